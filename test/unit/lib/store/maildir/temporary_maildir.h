// A folder as a Maildir has it, without an account around it.
#pragma once

#include <fcntl.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "lib/event/fd.h"
#include "lib/store/maildir/folder.h"
#include "test/support/catch.h"
#include "test/support/temporary_folder.h"

namespace store_test {

namespace fs = std::filesystem;

struct TemporaryMaildir {
    TemporaryMaildir() : root(::open(folder.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
        store::Folder::make_parts(root.get(), "test");
        maildir = store::Folder::open(root.get(), ".", "test");
    }

    std::string path(const std::string& below) const { return folder.path() + "/" + below; }

    void put(const std::string& below, const std::string& text) const {
        std::ofstream(path(below), std::ios::binary) << text;
    }

    std::string text(const std::string& below) const {
        std::ifstream in(path(below), std::ios::binary);
        return {std::istreambuf_iterator<char>(in), {}};
    }

    std::vector<std::string> names(const std::string& below) const {
        std::vector<std::string> found;
        for (const auto& entry : fs::directory_iterator(path(below)))
            found.push_back(entry.path().filename());
        std::sort(found.begin(), found.end());
        return found;
    }

    test::TemporaryFolder folder;
    event::Fd root;
    std::shared_ptr<store::Folder> maildir;
};

}  // namespace store_test
