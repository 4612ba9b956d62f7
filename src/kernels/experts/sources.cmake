list(APPEND kernel_sources experts/expert_rows.cpp experts/expert_visits.cpp
  experts/experts_check.cpp experts/experts_cpu.cpp
  experts/experts_reference.cpp experts/random_experts.cpp
  experts/swiglu.cpp)
list(APPEND kernel_tests experts/expert_visits_test.cpp
  experts/experts_test.cpp)
list(APPEND kernel_benches experts)
