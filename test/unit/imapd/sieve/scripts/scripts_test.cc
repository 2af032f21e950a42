#include <unistd.h>

#include <ctime>
#include <filesystem>
#include <fstream>
#include <thread>

#include "imapd/sieve/scripts/compiled.h"
#include "imapd/sieve/scripts/memory.h"
#include "imapd/sieve/scripts/script_storage.h"
#include "test/support/catch.h"

using namespace scripts;

namespace {

// Real time, because what is over is forgotten by the clock.
const std::int64_t kNow = std::time(nullptr);

class Home {
  public:
    Home() {
        char name[] = "/tmp/malleposte-scripts-XXXXXX";
        path = mkdtemp(name);
    }
    ~Home() { std::filesystem::remove_all(path); }
    void write(const std::string& name, const std::string& text) const {
        std::filesystem::create_directories(std::filesystem::path(path + "/" + name).parent_path());
        std::ofstream(path + "/" + name, std::ios::binary) << text;
    }
    std::string path;
};

}  // namespace

TEST_CASE("scripts are kept, activated, renamed and removed", "[scripts]") {
    Home home;
    ScriptStorage storage(home.path + "/sieve", home.path + "/.dovecot.sieve", {2000, 2, 3000});
    CHECK(storage.list()->empty());
    CHECK_FALSE(*storage.load_active());
    REQUIRE(storage.put("one", "keep;\n"));
    REQUIRE(storage.activate("one"));
    CHECK(storage.active_name() == "one");
    CHECK((*storage.load_active())->text == "keep;\n");
    CHECK(storage.remove("one").error().kind == ScriptFailure::Kind::active);
    REQUIRE(storage.rename("one", "two"));
    CHECK(storage.active_name() == "two");
    CHECK(storage.get("one").error().kind == ScriptFailure::Kind::not_found);
    REQUIRE(storage.put("one", "stop;\n"));
    CHECK(storage.rename("one", "two").error().kind == ScriptFailure::Kind::exists);
    CHECK(storage.put("three", "x").error().kind == ScriptFailure::Kind::too_many);
    CHECK(storage.put("one", std::string(2001, 'x')).error().kind == ScriptFailure::Kind::too_large);
    REQUIRE(storage.put("one", std::string(2000, 'x')));
    CHECK(storage.put("two", std::string(1001, 'x')).error().kind == ScriptFailure::Kind::too_large);  // together
    REQUIRE(storage.activate(""));
    CHECK_FALSE(std::filesystem::exists(home.path + "/.dovecot.sieve"));
    CHECK(storage.activate("none").error().kind == ScriptFailure::Kind::not_found);
    const auto all = storage.list();
    REQUIRE(all->size() == 2);
    CHECK((*all)[0].name == "one");
    CHECK((*all)[0].size == 2000);
}

TEST_CASE("names do not lead out of the directory", "[scripts]") {
    Home home;
    ScriptStorage storage(home.path + "/sieve", home.path + "/.dovecot.sieve", {});
    for (const char* name : {"", "../x", "a/b", "a\nb"}) {
        CHECK(storage.put(name, "keep;").error().kind == ScriptFailure::Kind::bad_name);
        CHECK(storage.get(name).error().kind == ScriptFailure::Kind::bad_name);
        CHECK(storage.remove(name).error().kind == ScriptFailure::Kind::bad_name);
    }
    CHECK_FALSE(std::filesystem::exists(home.path + "/x.sieve"));
}

TEST_CASE("a file in the link's place becomes a script", "[scripts]") {
    Home home;
    home.write(".dovecot.sieve", "discard;\n");
    ScriptStorage storage(home.path + "/sieve", home.path + "/.dovecot.sieve", {});
    CHECK((*storage.load_active())->text == "discard;\n");
    REQUIRE(storage.put("new", "keep;\n"));
    REQUIRE(storage.activate("new"));
    CHECK(*storage.get("dovecot.orig") == "discard;\n");
    CHECK(storage.active_name() == "new");
}

TEST_CASE("a compiled script is used while it is true, and only then", "[scripts]") {
    Home home;
    home.write("sieve/main.sieve", "require \"include\"; include \"part\";\n");
    home.write("sieve/part.sieve", "keep;\n");
    Includes includes(home.path + "/sieve", "", 10000);
    auto script = load_script(home.path + "/sieve/main.sieve", 10000);
    REQUIRE(script);
    REQUIRE(compile_kept(*script, {}, includes).ok());
    const std::string kept = home.path + "/sieve/.main.mpbin";
    REQUIRE(std::filesystem::exists(kept));
    const auto before = std::filesystem::last_write_time(kept);
    REQUIRE(compile_kept(*script, {}, includes).ok());
    CHECK(std::filesystem::last_write_time(kept) == before);
    home.write("sieve/part.sieve", "discard;\n");  // what it includes has changed
    REQUIRE(compile_kept(*script, {}, includes).ok());
    CHECK(std::filesystem::last_write_time(kept) != before);
    std::ofstream(kept, std::ios::binary | std::ios::trunc) << "damaged";
    CHECK(compile_kept(*script, {}, includes).ok());
    home.write("sieve/part.sieve", "kep;\n");
    CHECK_FALSE(compile_kept(*script, {}, includes).ok());
}

TEST_CASE("what is remembered is forgotten in its time", "[scripts]") {
    Home home;
    auto memory = Memory::open(home.path + "/memory", Memory::Durable::yes);
    REQUIRE(memory);
    REQUIRE((*memory)->remember("key", kNow + 100, "value"));
    CHECK((*memory)->find("key", kNow + 99)->value_or("") == "value");
    CHECK_FALSE(*(*memory)->find("key", kNow + 100));
    CHECK_FALSE(*(*memory)->find("other", kNow));
    const std::string long_key = "vacation " + std::string(2000, 'x');
    REQUIRE((*memory)->remember(long_key, kNow + 100));
    CHECK(*(*memory)->find(long_key, kNow));
    CHECK_FALSE(*(*memory)->find(long_key + "y", kNow));
    int seen = 0;
    REQUIRE((*memory)->visit("vacation ", kNow, [&](std::string_view, std::string_view) { return ++seen < 10; }));
    CHECK(seen == 1);
}

TEST_CASE("of many who claim a key one gets it", "[scripts]") {
    Home home;
    std::atomic<int> winners = 0;
    auto memory = Memory::open(home.path + "/memory", Memory::Durable::yes);
    REQUIRE(memory);
    std::vector<std::thread> claimers;
    for (int i = 0; i < 8; ++i)
        claimers.emplace_back([&] { winners += *(*memory)->claim("vacation bob", kNow + 10, kNow + 100); });
    for (std::thread& one : claimers)
        one.join();
    CHECK(winners == 1);
    CHECK_FALSE(*(*memory)->claim("vacation bob", kNow + 99, kNow + 200));
    CHECK(*(*memory)->claim("vacation bob", kNow + 100, kNow + 200));  // its time was over
    REQUIRE((*memory)->release("vacation bob"));
    CHECK(*(*memory)->claim("vacation bob", kNow + 101, kNow + 200));
}
