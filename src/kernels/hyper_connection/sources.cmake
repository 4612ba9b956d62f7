list(APPEND kernel_sources hyper_connection/hyper_connection_reference.cpp
  hyper_connection/hyper_connection_cpu.cpp
  hyper_connection/hyper_connection_check.cpp
  hyper_connection/stream_coefficients.cpp
  hyper_connection/stream_mix.cpp
  hyper_connection/stream_sums.cpp)
list(APPEND kernel_tests hyper_connection/hyper_connection_test.cpp
  hyper_connection/stream_mix_test.cpp)
list(APPEND kernel_benches hyper_connection)
