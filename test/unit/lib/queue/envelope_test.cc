// Whatever the lists of lib/envelope name goes through every form: a value that is added there is tested here.
#include "lib/queue/envelope.h"

#include <set>

#include "lib/fields/print.h"
#include "lib/fields/wire.h"
#include "lib/ipc/records/bounce.h"
#include "lib/ipc/records/cleanup.h"
#include "lib/ipc/records/deliver.h"
#include "test/support/catch.h"

namespace {

// Gives each member a value of its own.
template <fields::Listed T>
void fill(T& value, int& next) {
    T::fields().all([&](const auto& listed) {
        auto& member = value.*listed.member;
        using Member = std::remove_cvref_t<decltype(member)>;
        if constexpr (fields::Listed<Member>) {
            fill(member, next);
        } else if constexpr (fields::wire::is_vector<Member>::value) {
            member.resize(2);
            for (auto& item : member)
                fill(item, next);
        } else if constexpr (std::is_same_v<Member, std::string>) {
            member = "value " + std::to_string(++next);
        } else if constexpr (std::is_enum_v<Member>) {
            member = static_cast<Member>(1);
        } else {
            member = static_cast<Member>(++next);
        }
        return true;
    });
}

// The numbers of a row, nested ones too; 0 where a plain member has none.
template <fields::Listed T>
void numbers(std::vector<int>& found) {
    T::fields().all([&](const auto& listed) {
        using Member = std::remove_cvref_t<decltype(std::declval<T>().*listed.member)>;
        if constexpr (fields::Listed<Member>)
            numbers<Member>(found);
        else
            found.push_back(listed.number);
        return true;
    });
}

template <fields::Listed T>
std::string on_the_wire(const T& value) {
    std::string out;
    fields::wire::encode_fields(out, value);
    return out;
}

}  // namespace

TEST_CASE("every value of the envelope survives a queue file", "[queue][envelope]") {
    queue::Envelope envelope;
    int next = 0;
    fill(envelope, next);
    const auto back = queue::decode_envelope(queue::encode_envelope(envelope));
    REQUIRE(back);
    CHECK(on_the_wire(*back) == on_the_wire(envelope));
}

TEST_CASE("every value of the envelope has a number of its own in queue files", "[queue][envelope]") {
    std::vector<int> found;
    numbers<queue::Envelope>(found);
    CHECK(std::set<int>(found.begin(), found.end()).size() == found.size());
    CHECK_FALSE(std::set<int>(found.begin(), found.end()).contains(0));
}

TEST_CASE("every value of the envelope is shown", "[queue][envelope]") {
    envelope::Mail mail;
    int next = 0;
    fill(mail, next);
    std::size_t shown = 0;
    fields::print(mail, [&](std::string_view, const std::string& value) { shown += value.empty() ? 0 : 1; });
    std::vector<int> found;
    numbers<envelope::Mail>(found);
    CHECK(shown == found.size());
}

TEST_CASE("every value of the envelope goes to cleanup, to the agents and to bounce", "[queue][envelope]") {
    using namespace ipc::records;
    int next = 0;
    envelope::Mail mail;
    envelope::Recipient recipient;
    fill(mail, next);
    fill(recipient, next);
    CleanupOpen open;
    open.mail = mail;
    open.recipients = {recipient};
    const auto opened = ipc::decode<CleanupOpen>(std::string_view{ipc::encode(open)}.substr(4));
    REQUIRE(opened);
    CHECK(on_the_wire(opened->mail) == on_the_wire(mail));
    CHECK(on_the_wire(opened->recipients.at(0)) == on_the_wire(recipient));
    DeliverRequest deliver;
    deliver.mail = mail;
    deliver.recipients.resize(1);
    deliver.recipients[0].recipient = recipient;
    const auto delivered = ipc::decode<DeliverRequest>(std::string_view{ipc::encode(deliver)}.substr(4));
    REQUIRE(delivered);
    CHECK(on_the_wire(delivered->mail) == on_the_wire(mail));
    CHECK(on_the_wire(delivered->recipients.at(0).recipient) == on_the_wire(recipient));
    BounceRequest bounce;
    bounce.mail = mail;
    bounce.recipients.resize(1);
    bounce.recipients[0].recipient = recipient;
    const auto bounced = ipc::decode<BounceRequest>(std::string_view{ipc::encode(bounce)}.substr(4));
    REQUIRE(bounced);
    CHECK(on_the_wire(bounced->mail) == on_the_wire(mail));
    CHECK(on_the_wire(bounced->recipients.at(0).recipient) == on_the_wire(recipient));
}
