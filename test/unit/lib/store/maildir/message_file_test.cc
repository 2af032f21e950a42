#include "lib/store/maildir/message_file.h"

#include <sys/stat.h>

#include "lib/store/maildir/name.h"
#include "lib/store/thrown_failure.h"
#include "test/unit/lib/store/maildir/temporary_maildir.h"

using namespace store;
using store_test::TemporaryMaildir;
using Names = std::vector<std::string>;

TEST_CASE("a message is in tmp/ until it has its name", "[store]") {
    TemporaryMaildir f;
    MessageFile file(f.maildir, "INBOX");
    CHECK(f.names("tmp").size() == 1);
    file.write("a\nb\r\n");
    file.write("");
    file.write("c\r");
    file.write("\nd");
    CHECK(file.size() == 9);
    CHECK(file.virtual_size() == 10);
    CHECK(file.base_name() == f.names("tmp")[0] + ",S=9,W=10");
    file.publish(f.maildir->fresh(), "name");
    CHECK(f.names("tmp").empty());
    CHECK(f.names("new") == Names{"name"});
    file.sync();
    CHECK(f.text("new/name") == "a\nb\r\nc\r\nd");
}

TEST_CASE("sizes are right wherever the pieces end", "[store]") {
    const std::string text = "\n\r\n\n\r\r\nx\n";  // bare: 1st, 3rd and last LF
    for (std::size_t cut = 0; cut <= text.size(); ++cut) {
        TemporaryMaildir f;
        MessageFile file(f.maildir, "INBOX");
        file.write(text.substr(0, cut));
        file.write(text.substr(cut));
        CHECK(file.size() == text.size());
        CHECK(file.virtual_size() == text.size() + 3);
    }
}

TEST_CASE("large pieces go through as they are", "[store]") {
    TemporaryMaildir f;
    MessageFile file(f.maildir, "INBOX");
    std::string text;
    for (std::size_t size : {std::size_t{10}, std::size_t{70000}, std::size_t{65535}, std::size_t{1}, std::size_t{200000}}) {
        std::string piece(size, static_cast<char>('a' + size % 26));
        file.write(piece);
        text += piece;
    }
    file.set_date(1000000000);
    file.publish(f.maildir->cur(), "name:2,S");
    CHECK(f.text("cur/name:2,S") == text);
    struct stat info {};
    REQUIRE(stat(f.path("cur/name:2,S").c_str(), &info) == 0);
    CHECK(info.st_mtime == 1000000000);
    CHECK((info.st_mode & 0777) == 0600);
}

TEST_CASE("what is not published, or taken back, goes", "[store]") {
    TemporaryMaildir f;
    {
        MessageFile file(f.maildir, "INBOX");
        file.write("half");
    }
    CHECK(f.names("tmp").empty());
    {
        MessageFile file(f.maildir, "INBOX");
        file.write("whole");
        file.publish(f.maildir->fresh(), "name");
        file.retract();
        CHECK(f.names("new").empty());
        CHECK(f.names("tmp").size() == 1);
        file.publish(f.maildir->fresh(), "again");
    }
    CHECK(f.names("tmp").empty());
    CHECK(f.text("new/again") == "whole");
}
