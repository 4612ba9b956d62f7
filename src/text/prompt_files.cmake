# The prompt half of this folder: messages -> spans, model output -> messages.
set(prompt_sources
  json_printer.cpp
  json_reader.cpp
  json_value.cpp)
set(prompt_tests
  json_value_test.cpp)
