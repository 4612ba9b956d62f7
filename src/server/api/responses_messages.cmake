# The Responses and Messages APIs.
set(responses_sources
  response_store.cpp
  responses.cpp
  responses_call.cpp
  responses_custom_input.cpp
  responses_echo.cpp
  responses_events.cpp
  responses_items.cpp
  responses_logprobs.cpp
  responses_output.cpp
  responses_parts.cpp
  responses_request.cpp
  responses_routes.cpp
  responses_tools.cpp
  responses_truncation.cpp)
set(messages_sources
  messages.cpp
  messages_blocks.cpp
  messages_call.cpp
  messages_request.cpp
  messages_texts.cpp
  messages_tools.cpp)

# Their readers and writers, driven by hand.
hadal_test(server_families_test LABELS unit
  SOURCES
    agent_transcripts_test.cpp
    base64_test.cpp
    messages_blocks_test.cpp
    messages_call_test.cpp
    messages_reader_test.cpp
    request_mutations_test.cpp
    response_store_test.cpp
    responses_call_test.cpp
    responses_conversation_test.cpp
    responses_input_test.cpp
    responses_items_test.cpp
    responses_tools_test.cpp
    responses_truncation_test.cpp
  LINK hadal_server_api)
