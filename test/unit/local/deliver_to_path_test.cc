// A message for one recipient, written where a path says.
#include "local/deliver_to_path.h"

#include <fcntl.h>
#include <unistd.h>

#include "test/support/catch.h"
#include "test/support/temporary_folder.h"

namespace fs = std::filesystem;
using delivery::DeliverStatus;

namespace {

struct Fixture {
    // The content lies somewhere in a larger file, as in a queue file.
    explicit Fixture(const std::string& text) {
        const std::string path = folder.write("queue-file", "before" + text + "after");
        delivery::DeliverRequest request;
        request.mail.sender = "carol@client.test";
        request.content.offset = 6;
        request.content.length = text.size();
        job.emplace(request, event::Fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC)));
        recipient.recipient.address = "alice@example.test";
    }

    delivery::RecipientResult deliver(const std::string& path) {
        return local::deliver_to_path(*job, recipient, path, "virtual");
    }

    std::vector<std::string> delivered(const std::string& path) const {
        std::vector<std::string> texts;
        for (const auto& entry : fs::directory_iterator(path + "new")) {
            std::ifstream in(entry.path(), std::ios::binary);
            texts.emplace_back(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
        }
        return texts;
    }

    test::TemporaryFolder folder;
    std::optional<delivery::Job> job;
    delivery::DeliverRecipient recipient;
};

}  // namespace

TEST_CASE("a message lies under its trace fields, whole", "[local]") {
    const std::string text = "Subject: x\r\n\r\n" + std::string(200000, 'x') + "\r\n";
    Fixture f(text);
    const std::string path = f.folder.path("alice/");
    auto result = f.deliver(path);
    CHECK(result.status == DeliverStatus::delivered);
    CHECK(result.dsn == "2.0.0");
    CHECK(result.text == "delivered to maildir");
    CHECK(result.relay == "virtual");
    const std::string head =
        "Return-Path: <carol@client.test>\r\nX-Original-To: alice@example.test\r\n"
        "Delivered-To: alice@example.test\r\n";
    CHECK(f.delivered(path) == std::vector<std::string>{head + text});
    f.recipient.recipient.original = "sales@example.test";
    CHECK(f.deliver(path).status == DeliverStatus::delivered);
    CHECK(f.delivered(path).size() == 2);
    CHECK(fs::is_empty(path + "tmp"));
}

TEST_CASE("what cannot be written is put off, with the reason", "[local]") {
    Fixture f("x\r\n");
    auto one_file = f.deliver(f.folder.path("mbox"));
    CHECK(one_file.status == DeliverStatus::deferred);
    CHECK(one_file.text.find("does not end in a slash") != std::string::npos);
    auto no_parent = f.deliver(f.folder.path("no/such/home/"));
    CHECK(no_parent.status == DeliverStatus::deferred);
    CHECK(no_parent.dsn == "4.2.0");
    CHECK(no_parent.text.find("No such file or directory") != std::string::npos);
    fs::create_directory(f.folder.path("box"));
    fs::create_directory_symlink("/etc", f.folder.path("box/new"));
    CHECK(f.deliver(f.folder.path("box/")).status == DeliverStatus::deferred);
}
