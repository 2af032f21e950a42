#include "lib/address/path_text.h"

#include "lib/address/mailbox.h"

namespace address {
namespace {

bool is_control(char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7f'; }

std::string harmless(std::string_view text, std::string_view others) {
    std::string made(text);
    for (char& c : made) {
        if (is_control(c) || others.find(c) != std::string_view::npos)
            c = '?';
    }
    return made;
}

}  // namespace

PathText::PathText(std::string_view text) {
    if (text.empty())
        return;
    Mailbox mailbox = parse_text(text);
    mailbox.local = harmless(mailbox.local, "");
    mailbox.domain = harmless(mailbox.domain, " <>\"\\");
    mailbox_ = mailbox.quoted();
}

std::string mail_from(std::string_view sender) { return "MAIL FROM:" + PathText(sender).in_brackets(); }

std::string rcpt_to(std::string_view recipient) { return "RCPT TO:" + PathText(recipient).in_brackets(); }

std::string return_path_field(std::string_view sender) { return "Return-Path: " + PathText(sender).in_brackets() + "\r\n"; }

std::string delivered_to_field(std::string_view recipient) {
    return "Delivered-To: " + PathText(recipient).mailbox() + "\r\n";
}

std::string original_to_field(std::string_view recipient) {
    return "X-Original-To: " + PathText(recipient).mailbox() + "\r\n";
}

}  // namespace address
