list(APPEND kernel_sources router/router_reference.cpp router/router_cpu.cpp
  router/router_check.cpp router/router_scores.cpp)
list(APPEND kernel_tests router/router_test.cpp)
