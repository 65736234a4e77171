# The fakes of daemon/host, for every room that sleeps, draws lots or keeps a ring.
add_library(gerbang_fake_host STATIC EXCLUDE_FROM_ALL
    ${CMAKE_CURRENT_LIST_DIR}/manual_clock.cpp
    ${CMAKE_CURRENT_LIST_DIR}/memory_ring.cpp
    ${CMAKE_CURRENT_LIST_DIR}/seeded_entropy.cpp)
target_link_libraries(gerbang_fake_host PUBLIC gerbang_host)
foreach(room host meter probe journal net sync serve cli app province)
    if(TARGET test_${room})
        target_link_libraries(test_${room} PRIVATE gerbang_fake_host)
    endif()
endforeach()
