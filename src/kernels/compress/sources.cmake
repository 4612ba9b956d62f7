list(APPEND kernel_sources compress/compress.cpp compress/compress_check.cpp)
list(APPEND kernel_tests compress/compress_test.cpp)
