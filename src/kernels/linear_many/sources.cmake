list(APPEND kernel_sources linear_many/linear_many_check.cpp
  linear_many/linear_many_cpu.cpp linear_many/linear_many_reference.cpp)
list(APPEND kernel_tests linear_many/linear_many_test.cpp)
