// The log line that other programs parse, and the delays in it.
#include "lib/delivery/agent.h"
#include "test/support/catch.h"

TEST_CASE("delays have at most two digits of meaning", "[delivery]") {
    CHECK(delivery::format_delay(0) == "0");
    CHECK(delivery::format_delay(4000) == "0");
    CHECK(delivery::format_delay(6000) == "0.01");
    CHECK(delivery::format_delay(100000) == "0.1");
    CHECK(delivery::format_delay(250000) == "0.25");
    CHECK(delivery::format_delay(1240000) == "1.2");
    CHECK(delivery::format_delay(12400000) == "12");
    CHECK(delivery::format_delay(-5) == "0");
}

TEST_CASE("the line of a delivery", "[delivery]") {
    delivery::DeliverRequest request;
    request.queue_id = "ABC";
    request.mail.arrival_us = 1000000;
    request.active_us = 1010000;
    delivery::DeliverRecipient recipient;
    recipient.recipient.address = "alice@example.test";
    recipient.recipient.original = "postmaster@example.test";
    delivery::Job job(request, event::Fd());
    job.taken_us = 1010000;
    job.connected_us = 1030000;
    auto outcome = delivery::make_result(delivery::DeliverStatus::delivered, "2.0.0", "250 2.0.0 ok", "mx[127.0.0.1]:25");
    CHECK(delivery::format_result(job, recipient, outcome, 1100000) ==
          "to=<alice@example.test>, orig_to=<postmaster@example.test>, relay=mx[127.0.0.1]:25, delay=0.1, "
          "delays=0.01/0/0.02/0.07, dsn=2.0.0, status=sent (250 2.0.0 ok)");
}
