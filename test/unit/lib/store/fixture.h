// test/unit/lib/store/fixture.h - a Maildir in a folder of its own, looked at from outside.
#pragma once

#include <dirent.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "lib/store/account.h"
#include "lib/store/delivery.h"
#include "lib/store/maildir/name.h"
#include "test/support/catch.h"

namespace store_test {

namespace fs = std::filesystem;

struct Fixture {
    Fixture() {
        char name[] = "/tmp/store_test.XXXXXX";
        root = mkdtemp(name);
        settings.location = root + "/mail";
        open();
    }
    ~Fixture() {
        account.reset();
        fs::remove_all(root);
    }

    void open() {
        auto opened = store::open_account(settings);
        REQUIRE(opened);
        account = *opened;
    }

    // As after a crash of everything: nothing is open, and perhaps the index is gone.
    void restart(bool lose_index) {
        account.reset();
        if (lose_index)
            fs::remove_all(settings.location + "/malleposte.index");
        open();
    }

    std::unique_ptr<store::Mailbox> mailbox(const std::string& name = "INBOX") {
        auto opened = account->open(name);
        REQUIRE(opened);
        REQUIRE((*opened)->refresh());
        return std::move(*opened);
    }

    std::uint32_t deliver(const std::string& text = "Subject: x\r\n\r\nbody\r\n", const std::string& name = "INBOX",
        store::Delivery::Options options = {}) {
        auto opened = account->open(name);
        REQUIRE(opened);
        auto delivery = (*opened)->deliver();
        REQUIRE(delivery);
        REQUIRE((*delivery)->write(text));
        auto delivered = (*delivery)->commit(options);
        REQUIRE(delivered);
        return delivered->uid;
    }

    std::string path(const std::string& below) const { return settings.location + "/" + below; }

    // In the order of messages. Names alone do not sort so: the time in front is written without leading zeros.
    std::vector<std::string> files(const std::string& below) const {
        std::vector<std::string> names;
        for (const auto& entry : fs::directory_iterator(path(below)))
            names.push_back(entry.path().filename());
        auto key = [](const std::string& name) { return std::pair(store::parse_maildir_name(name).uid.value_or(0), name); };
        std::ranges::sort(names, {}, key);
        return names;
    }

    void put_file(const std::string& below, const std::string& text) const {
        std::ofstream out(path(below), std::ios::binary);
        out << text;
    }

    std::string file_text(const std::string& below) const {
        std::ifstream in(path(below), std::ios::binary);
        return {std::istreambuf_iterator<char>(in), {}};
    }

    static std::vector<std::uint32_t> uids(store::Mailbox& mailbox) {
        REQUIRE(mailbox.refresh());
        auto messages = mailbox.messages();
        REQUIRE(messages);
        std::vector<std::uint32_t> list;
        for (const store::Message& message : *messages)
            list.push_back(message.uid);
        return list;
    }

    std::string root;
    store::AccountSettings settings;
    std::shared_ptr<store::Account> account;
};

using Uids = std::vector<std::uint32_t>;

}  // namespace store_test
