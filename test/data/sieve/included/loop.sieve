require ["include", "foreverypart", "mime", "variables"];
global ["seen"];

foreverypart {
    if header :mime :matches "X-Part" "*" {
        set "seen" "${seen} ${1}";
    }
}
