# The prompt half of this folder: messages -> spans, model output -> messages.
set(prompt_sources
  chat_message.cpp
  json_printer.cpp
  json_reader.cpp
  json_value.cpp
  model_revision.cpp
  prompt_encoder.cpp
  prompt_format.cpp
  prompt_sections.cpp
  prompt_steps.cpp)
set(prompt_tests
  json_value_test.cpp
  prompt_encoder_test.cpp)
