# Installs the build into a folder of its own and builds and runs examples/
# against it, as somebody would who has nothing but the package. The README's
# own code is one of the examples: it must stand there word for word.
cmake_minimum_required(VERSION 3.25)

set(work ${BUILD}/tests/consumer)
set(prefix ${work}/prefix)
file(REMOVE_RECURSE ${work})

function(run)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE status
    OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(NOT status EQUAL 0)
    message("${output}")
    message(FATAL_ERROR "failed (${status}): ${ARGN}")
  endif()
  set(output "${output}" PARENT_SCOPE)
endfunction()

run(${CMAKE_COMMAND} --install ${BUILD} --prefix ${prefix})
set(flags)
if(SANITIZE)
  set(flags -DCMAKE_CXX_FLAGS=-fsanitize=${SANITIZE})
endif()
run(${CMAKE_COMMAND} -S ${EXAMPLES} -B ${work}/build -G Ninja
  -DCMAKE_PREFIX_PATH=${prefix} -DCMAKE_CXX_COMPILER=${COMPILER}
  -DCMAKE_BUILD_TYPE=Release ${flags})
run(${CMAKE_COMMAND} --build ${work}/build)

run(${work}/build/first_answer ${prefix}/share/hadal/models/nano)
if(NOT output MATCHES "Oslo")
  message(FATAL_ERROR "first_answer printed: ${output}")
endif()
run(${work}/build/conversation ${prefix}/share/hadal/models/nano)
if(NOT output MATCHES "reused")
  message(FATAL_ERROR "conversation printed: ${output}")
endif()
run(${prefix}/bin/hadal generate --prompt "What is the capital of Norway?"
  --temperature 0 --model ${prefix}/share/hadal/models/nano)
if(NOT output MATCHES "Oslo")
  message(FATAL_ERROR "the installed program printed: ${output}")
endif()

# The README's code block is the example between its marks.
file(READ ${README} readme)
file(READ ${EXAMPLES}/first_answer.cpp example)
string(REGEX MATCH "// README begin\n(.*)// README end" ignored "${example}")
string(REGEX REPLACE "\n    " "\n" code "\n    ${CMAKE_MATCH_1}")
string(REGEX REPLACE "\n  " "\n" code "\n${CMAKE_MATCH_1}")
string(STRIP "${code}" code)
string(FIND "${readme}" "${code}" place)
if(place EQUAL -1)
  message(FATAL_ERROR "README.md does not hold the code of first_answer.cpp")
endif()
