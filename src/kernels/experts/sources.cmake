list(APPEND kernel_sources experts/experts_check.cpp experts/experts_cpu.cpp
  experts/experts_reference.cpp experts/random_experts.cpp
  experts/swiglu.cpp)
list(APPEND kernel_tests experts/experts_test.cpp)
