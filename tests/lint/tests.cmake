# The rules that no compiler knows, and the proof that each of them can go red.
find_package(Python3 COMPONENTS Interpreter)
if(Python3_FOUND)
    add_test(NAME lint COMMAND ${Python3_EXECUTABLE} -B ${CMAKE_CURRENT_LIST_DIR}/house.py)
    add_test(NAME lint_self_test
        COMMAND ${Python3_EXECUTABLE} -B ${CMAKE_CURRENT_LIST_DIR}/house.py --self-test)
    set_tests_properties(lint lint_self_test PROPERTIES LABELS lint)
else()
    message(WARNING "No Python 3: the lint test is left out")
endif()
