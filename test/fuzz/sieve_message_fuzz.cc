// Any message under a script that looks at everything and answers: nothing of a message may break a header that we write.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "lib/sieve/program.h"
#include "lib/sieve/script.h"
#include "test/fuzz/sieve_host.h"

namespace {

constexpr std::string_view kScript = R"(
require ["fileinto", "variables", "body", "mime", "foreverypart", "extracttext", "editheader", "vacation", "enotify", "date",
         "index", "relational", "regex", "envelope", "subaddress", "imap4flags", "duplicate", "comparator-i;unicode-casemap",
         "spamtest", "copy", "vnd.dovecot.report"];
if header :matches "subject" "*" { set "subject" "${1}"; }
if address :matches :detail ["from", "to", "cc"] "*" { set "detail" "${1}"; }
if header :regex "from" "<(.*)>" { set "from" "${1}"; }
if address :domain :comparator "i;unicode-casemap" :contains "to" "EXAMPLE" { addflag "$x"; }
if body :text :contains "needle" { set "b" "1"; }
if body :content "multipart" :matches "*a*b*" { set "b" "2"; }
if body :content "message/rfc822" :contains "x" { set "b" "3"; }
if body :raw :regex "a+b" { set "b" "4"; }
if date :originalzone "date" "year" "2026" { set "b" "5"; }
if header :index 1 :last :count "eq" "received" "1" { set "b" "6"; }
if duplicate { set "b" "7"; }
if spamtest :value "ge" "5" { set "b" "8"; }
foreverypart {
    if header :mime :anychild :param "filename" :contains "Content-Disposition" ".exe" { set "b" "9"; }
    extracttext :first 100 "text";
    if exists :mime "Content-ID" { break; }
}
deleteheader :index 1 "X-A";
addheader "X-Subject" "${subject} ${text}";
addheader :last "X-From" "${from}";
fileinto :copy "Box";
redirect :copy "bob@example.test";
vacation :subject "Re: ${subject}" "I read: ${text} ${detail}";
notify :message "New: ${subject} ${from}" "mailto:alice@example.test";
report "abuse" "look: ${subject}" "abuse@example.test";
)";

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const std::shared_ptr<const sieve::Program> program = [] {
        sieve::CompileOptions options;
        sieve::Compiled compiled = sieve::compile(kScript, options);
        if (!compiled.ok())
            std::abort();
        return compiled.program;
    }();
    fuzz::AnswerAll host;
    sieve::Settings settings = fuzz::tight_settings();
    std::string content(reinterpret_cast<const char*>(data), size);
    sieve::Message message(content);
    sieve::Interpreter interpreter(message, host, settings, {.trace = true, .foreign = nullptr});
    fuzz::perform(interpreter.run(*program), message, host, settings);
    return 0;
}
