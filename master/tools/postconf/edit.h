// master/tools/postconf/edit.h - postconf -e, -# and -X: changes to main.cf and master.cf.
//
// Comments, order and everything that is not asked for stay as they are. The file is replaced whole.
// Failure     fatal; the file is then as it was.
#pragma once

#include <string>
#include <vector>

namespace postconf {

enum class Edit { set, comment_out, remove };

// arguments: "name=value" for set, names for the others.
void edit_main(const std::string& directory, Edit edit, const std::vector<std::string>& arguments);

// -M: "name/type=name type private ... command" for set, "name/type" for the others.
void edit_services(const std::string& directory, Edit edit, const std::vector<std::string>& arguments);
// -F: "name/type/field=value"
void edit_fields(const std::string& directory, const std::vector<std::string>& arguments);
// -P: "name/type/parameter=value" for set, "name/type/parameter" for remove
void edit_service_parameters(const std::string& directory, Edit edit, const std::vector<std::string>& arguments);

}  // namespace postconf
