// test/support/catch.h - the one place that knows which Catch2 is installed.
//
// Debian 12 ships Catch2 2.13 (one header), later systems ship 3. Tests include this header only.
#pragma once

#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_all.hpp>
#else
#include <catch2/catch.hpp>
#endif
