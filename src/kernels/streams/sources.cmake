list(APPEND kernel_sources streams/streams.cpp streams/streams_check.cpp)
