list(APPEND kernel_sources hyper_connection/hyper_connection_reference.cpp
  hyper_connection/hyper_connection_cpu.cpp
  hyper_connection/hyper_connection_check.cpp
  hyper_connection/stream_coefficients.cpp
  hyper_connection/stream_mix.cpp)
list(APPEND kernel_tests hyper_connection/hyper_connection_test.cpp)
