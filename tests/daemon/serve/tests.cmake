if(TARGET test_serve)
    target_link_libraries(test_serve PRIVATE gerbang_sample_site yaml-cpp)
endif()
