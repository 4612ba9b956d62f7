list(APPEND kernel_sources router/router_reference.cpp
  router/router_cpu.cpp)
