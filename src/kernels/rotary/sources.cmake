list(APPEND kernel_sources rotary/rotary_reference.cpp
  rotary/rotary_cpu.cpp rotary/rotary_frequencies.cpp)
