#include "qmgr/tools/listing_format.h"

#include <ctime>

#include "test/support/catch.h"

using ipc::records::ShowqMessage;

namespace {

ShowqMessage sample_message() {
    ShowqMessage message;
    message.queue_name = "active";
    message.queue_id = "6FEE36C37B";
    message.arrival_time = 1638369735;
    message.size = 553;
    message.sender = "louen@via.ecp.fr";
    message.recipients.resize(1);
    message.recipients[0].address = "valentin.roussellet@student.ecp.fr";
    message.recipients[0].original = message.recipients[0].address;
    message.recipients[0].reason = "connect to zen.via.ecp.fr[138.195.130.70]:25: Connection refused";
    setenv("TZ", "UTC", 1);
    tzset();
    return message;
}

}  // namespace

TEST_CASE("the listing has mailq's exact form", "[tools]") {
    tools::PlainListing listing{false};
    CHECK(listing.end() == "Mail queue is empty\n");
    CHECK(listing.format(sample_message()) ==
          "-Queue ID-  --Size-- ----Arrival Time---- -Sender/Recipient-------\n"
          "6FEE36C37B*     553 Wed Dec  1 14:42:15  louen@via.ecp.fr\n"
          "            (connect to zen.via.ecp.fr[138.195.130.70]:25: Connection refused)\n"
          "                                         valentin.roussellet@student.ecp.fr\n");
    CHECK(listing.end() == "\n-- 0 Kbytes in 1 Request.\n");
    ShowqMessage second = sample_message();
    second.queue_name = "hold";
    second.sender.clear();
    second.forced_expire = true;
    second.size = 2000;
    second.recipients.resize(3);
    second.recipients[1].address = "same@example.test";
    second.recipients[1].reason = second.recipients[0].reason;
    second.recipients[2].address = "none@example.test";
    const std::string text = listing.format(second);
    CHECK(text.starts_with("\n6FEE36C37B!#    2000 Wed Dec  1 14:42:15  MAILER-DAEMON\n"));
    CHECK(text.find("Connection refused") == text.rfind("Connection refused"));
    CHECK(text.find("(reason unavailable)\n") != std::string::npos);
    CHECK(listing.end() == "\n-- 2 Kbytes in 2 Requests.\n");
}

TEST_CASE("the listing with long ids", "[tools]") {
    ShowqMessage message = sample_message();
    message.queue_name = "deferred";
    message.queue_id = "4XyZ8m1FQmz9sVx";
    message.recipients[0].reason.clear();
    tools::PlainListing listing{true};
    CHECK(listing.format(message) ==
          "----Queue ID----- --Size-- ---Arrival Time---- --Sender/Recipient------\n"
          "4XyZ8m1FQmz9sVx        553 Wed Dec  1 14:42:15 louen@via.ecp.fr\n"
          "                                               valentin.roussellet@student.ecp.fr\n");
}

TEST_CASE("the listing as JSON", "[tools]") {
    ShowqMessage message = sample_message();
    message.recipients[0].original = "other@example.test";
    message.recipients[0].reason = "a \"quoted\"\n\x01 reason";
    CHECK(tools::format_json(message) ==
          "{\"queue_name\": \"active\", \"queue_id\": \"6FEE36C37B\", \"arrival_time\": 1638369735, "
          "\"message_size\": 553, \"forced_expire\": false, \"sender\": \"louen@via.ecp.fr\", \"recipients\": "
          "[{\"address\": \"valentin.roussellet@student.ecp.fr\", \"orig_address\": \"other@example.test\", "
          "\"delay_reason\": \"a \\\"quoted\\\"\\n\\u0001 reason\"}]}\n");
}

TEST_CASE("nothing of a stranger reaches the terminal raw", "[tools]") {
    ShowqMessage message = sample_message();
    message.sender = "a\x1b[2Jb";
    message.recipients[0].address = "x\ny";
    message.recipients[0].reason = "\x07";
    tools::PlainListing listing{false};
    const std::string text = listing.format(message);
    CHECK(text.find('\x1b') == std::string::npos);
    CHECK(text.find('\x07') == std::string::npos);
    CHECK(text.find("x?y") != std::string::npos);
}
