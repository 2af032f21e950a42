#include "lib/question/asker.h"

namespace question {

Client next_client() {
    static thread_local Client last = kNobody;
    return ++last;
}

}  // namespace question
