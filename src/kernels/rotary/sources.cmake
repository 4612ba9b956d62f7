list(APPEND kernel_sources rotary/rotary_reference.cpp rotary/rotary_cpu.cpp
  rotary/rotary_check.cpp rotary/rotary_frequencies.cpp rotary/rotate_heads.cpp)
list(APPEND kernel_tests rotary/rotary_test.cpp)
