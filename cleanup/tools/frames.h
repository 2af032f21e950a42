// cleanup/tools/frames.h - IPC records over a pipe, between sendmail and postdrop.
//
// sendmail starts postdrop and writes CleanupOpen, CleanupContent, CleanupRecipients and CleanupEnd to its standard
// input (lib/ipc/records/cleanup.h); postdrop answers with one CleanupReply on its standard output. The pipe that
// closes before CleanupEnd means that nothing shall be sent.
//
// Failure     no value at the end of the pipe, or when a frame is too large.
// Trust       postdrop believes nothing that comes through the pipe: any user may write there.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace tools {

std::optional<std::string> read_frame(int descriptor, std::size_t max);

}  // namespace tools
