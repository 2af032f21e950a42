/* test/support/opendkim_peer.c - libopendkim from the command line, as a second opinion and for comparing speed.
 *
 *   opendkim_peer sign KEYFILE DOMAIN SELECTOR      reads "HEADERCANON BODYCANON IN OUT" lines, writes signed messages
 *   opendkim_peer verify RECORDS                    reads file names, prints one verdict a line
 *   opendkim_peer bench RECORDS FILE SECONDS        verifies one message again and again, prints how often per second
 *
 * RECORDS has "name value" lines. Messages have CR LF line ends.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <sys/types.h>

#include <opendkim/dkim.h>

static DKIM_LIB *library;

static void die(const char *what, const char *detail) {
    fprintf(stderr, "opendkim_peer: %s: %s\n", what, detail);
    exit(1);
}

static char *slurp(const char *path, size_t *size) {
    FILE *file = fopen(path, "rb");
    char *text = NULL;
    long length;
    if (file == NULL || fseek(file, 0, SEEK_END) != 0 || (length = ftell(file)) < 0)
        die(path, strerror(errno));
    rewind(file);
    text = malloc((size_t)length + 1);
    if (text == NULL || fread(text, 1, (size_t)length, file) != (size_t)length)
        die(path, "cannot be read");
    text[length] = '\0';
    fclose(file);
    *size = (size_t)length;
    return text;
}

static void chunk(DKIM *dkim, char *text, size_t size) {
    char *at = text, *end = text + size;
    DKIM_STAT status;
    /* Header fields one by one, without their last line end. */
    while (at < end && strncmp(at, "\r\n", 2) != 0) {
        char *stop = at;
        do {
            stop = strstr(stop, "\r\n");
            if (stop == NULL)
                die("message", "a header line without end");
            stop += 2;
        } while (stop < end && (*stop == ' ' || *stop == '\t'));
        status = dkim_header(dkim, (unsigned char *)at, (size_t)(stop - at) - 2);
        if (status != DKIM_STAT_OK)
            die("dkim_header", dkim_getresultstr(status));
        at = stop;
    }
    dkim_eoh(dkim);
    if (at < end)
        at += 2;
    if (at < end)
        dkim_body(dkim, (unsigned char *)at, (size_t)(end - at));
}

static const char *verify(char *text, size_t size) {
    DKIM_STAT status;
    const char *result;
    DKIM *dkim = dkim_verify(library, (unsigned char *)"x", NULL, &status);
    if (dkim == NULL)
        die("dkim_verify", dkim_getresultstr(status));
    chunk(dkim, text, size);
    status = dkim_eom(dkim, NULL);
    result = status == DKIM_STAT_OK ? "pass" : dkim_getresultstr(status);
    dkim_free(dkim);
    return result;
}

static void sign(char *key, char *domain, char *selector, const char *header, const char *body, const char *in, const char *out) {
    DKIM_STAT status;
    size_t size, length = 0;
    char *text = slurp(in, &size);
    unsigned char *signature = NULL;
    DKIM *dkim = dkim_sign(library, (unsigned char *)"x", NULL, (unsigned char *)key, (unsigned char *)selector,
                           (unsigned char *)domain, strcmp(header, "simple") == 0 ? DKIM_CANON_SIMPLE : DKIM_CANON_RELAXED,
                           strcmp(body, "simple") == 0 ? DKIM_CANON_SIMPLE : DKIM_CANON_RELAXED, DKIM_SIGN_RSASHA256, -1, &status);
    FILE *file;
    if (dkim == NULL)
        die("dkim_sign", dkim_getresultstr(status));
    chunk(dkim, text, size);
    status = dkim_eom(dkim, NULL);
    if (status != DKIM_STAT_OK)
        die("dkim_eom", dkim_getresultstr(status));
    status = dkim_getsighdr_d(dkim, 16, &signature, &length);
    if (status != DKIM_STAT_OK)
        die("dkim_getsighdr_d", dkim_getresultstr(status));
    file = fopen(out, "wb");
    if (file == NULL)
        die(out, strerror(errno));
    fprintf(file, "DKIM-Signature: ");
    for (size_t i = 0; i < length; ++i) {
        if (signature[i] == '\n' && (i == 0 || signature[i - 1] != '\r'))
            fputc('\r', file);
        fputc(signature[i], file);
    }
    fprintf(file, "\r\n");
    fwrite(text, 1, size, file);
    fclose(file);
    dkim_free(dkim);
    free(text);
}

/* For the bench: the one key record, from memory. */
static char *record_in_memory;

static DKIM_CBSTAT look_up(DKIM *dkim, DKIM_SIGINFO *signature, unsigned char *buffer, size_t size) {
    (void)dkim;
    (void)signature;
    snprintf((char *)buffer, size, "%s", record_in_memory);
    return DKIM_CBSTAT_CONTINUE;
}

static double seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static void use_records(char *path) {
    dkim_query_t method = DKIM_QUERY_FILE;
    if (dkim_options(library, DKIM_OP_SETOPT, DKIM_OPTS_QUERYMETHOD, &method, sizeof method) != DKIM_STAT_OK ||
        dkim_options(library, DKIM_OP_SETOPT, DKIM_OPTS_QUERYINFO, path, strlen(path)) != DKIM_STAT_OK)
        die(path, "cannot be used for keys");
}

int main(int argc, char **argv) {
    char line[4096];
    library = dkim_init(NULL, NULL);
    if (library == NULL)
        die("dkim_init", "failed");
    if (argc == 5 && strcmp(argv[1], "sign") == 0) {
        size_t size;
        char *key = slurp(argv[2], &size), header[16], body[16], in[2000], out[2000];
        while (fgets(line, sizeof line, stdin) != NULL && sscanf(line, "%15s %15s %1999s %1999s", header, body, in, out) == 4)
            sign(key, argv[3], argv[4], header, body, in, out);
        free(key);
    } else if (argc == 3 && strcmp(argv[1], "verify") == 0) {
        use_records(argv[2]);
        while (fgets(line, sizeof line, stdin) != NULL) {
            size_t size;
            char *text;
            line[strcspn(line, "\n")] = '\0';
            text = slurp(line, &size);
            printf("%s\n", verify(text, size));
            free(text);
        }
    } else if (argc == 5 && strcmp(argv[1], "bench") == 0) {
        size_t size;
        char *text = slurp(argv[3], &size);
        double begin, limit = atof(argv[4]);
        long count = 0;
        size_t records_size;
        char *records = slurp(argv[2], &records_size);
        records[strcspn(records, "\n")] = '\0';
        record_in_memory = strchr(records, ' ');
        if (record_in_memory == NULL)
            die(argv[2], "has no \"name value\" line");
        ++record_in_memory;
        dkim_set_key_lookup(library, look_up);
        if (strcmp(verify(text, size), "pass") != 0)
            die(argv[3], "does not verify");
        begin = seconds();
        while (seconds() - begin < limit) {
            verify(text, size);
            ++count;
        }
        printf("libopendkim: %.0f verifications per second\n", (double)count / (seconds() - begin));
        free(text);
        free(records);
    } else {
        die("usage", "sign KEYFILE DOMAIN SELECTOR | verify RECORDS | bench RECORDS FILE SECONDS");
    }
    dkim_close(library);
    return 0;
}
