/* Loaded before libc: whatever a process sends to anything but this machine is written down and refused.

   Python's own guard does not see native code; this sees every library that calls libc. What calls the kernel past
   libc is seen by the other half of the proof, a network namespace whose kernel counts what had nowhere to go. */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void *real(const char *name) { return dlsym(RTLD_NEXT, name); }

static void note(const char *what, const char *where) {
    char line[512], program[128] = "";
    const char *path = getenv("TRAP_LOG");
    int file, length;
    if (!path) return;
    if ((file = open("/proc/self/comm", O_RDONLY | O_CLOEXEC)) >= 0) {
        if ((length = (int)read(file, program, sizeof program - 1)) > 0) program[length - 1] = 0;
        close(file);
    }
    if ((file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666)) < 0) return;
    length = snprintf(line, sizeof line, "%s %s by %s (%d)\n", what, where, program, (int)getpid());
    if (write(file, line, (size_t)length) != length) abort();
    close(file);
}

/* Whether an address is this machine's own; else it is written down. */
static int stays(const char *what, const struct sockaddr *address) {
    char text[INET6_ADDRSTRLEN + 32] = "";
    if (!address || address->sa_family == AF_UNIX || address->sa_family == AF_NETLINK ||
        address->sa_family == AF_UNSPEC)
        return 1;
    if (address->sa_family == AF_INET) {
        const struct in_addr *ip = &((const struct sockaddr_in *)address)->sin_addr;
        if ((ntohl(ip->s_addr) >> 24) == 127 || ip->s_addr == INADDR_ANY) return 1;
        inet_ntop(AF_INET, ip, text, sizeof text);
    } else if (address->sa_family == AF_INET6) {
        const struct in6_addr *ip = &((const struct sockaddr_in6 *)address)->sin6_addr;
        if (IN6_IS_ADDR_LOOPBACK(ip) || IN6_IS_ADDR_UNSPECIFIED(ip)) return 1;
        if (IN6_IS_ADDR_V4MAPPED(ip) && ip->s6_addr[12] == 127) return 1;
        inet_ntop(AF_INET6, ip, text, sizeof text);
    } else {
        snprintf(text, sizeof text, "address family %d", address->sa_family);
    }
    note(what, text);
    errno = EACCES;
    return 0;
}

static int is_here(const char *what, const char *name) {
    char own[256] = "";
    if (!name || !*name) return 1;
    if (!strcmp(name, "localhost") || !strcmp(name, "::1") || !strncmp(name, "127.", 4) || !strcmp(name, "0.0.0.0") ||
        !strcmp(name, "::"))
        return 1;
    if (!gethostname(own, sizeof own - 1) && !strcmp(name, own)) return 1;
    note(what, name);
    return 0;
}

int socket(int family, int type, int protocol) {
    int (*call)(int, int, int) = real("socket");
    if (family == AF_PACKET || (type & 0xF) == SOCK_RAW) {
        if (family != AF_NETLINK) {
            note("socket", "raw");
            errno = EACCES;
            return -1;
        }
    }
    return call(family, type, protocol);
}

int connect(int fd, const struct sockaddr *address, socklen_t length) {
    int (*call)(int, const struct sockaddr *, socklen_t) = real("connect");
    return stays("connect", address) ? call(fd, address, length) : -1;
}

ssize_t sendto(int fd, const void *bytes, size_t size, int flags, const struct sockaddr *address, socklen_t length) {
    ssize_t (*call)(int, const void *, size_t, int, const struct sockaddr *, socklen_t) = real("sendto");
    return stays("sendto", address) ? call(fd, bytes, size, flags, address, length) : -1;
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags) {
    ssize_t (*call)(int, const struct msghdr *, int) = real("sendmsg");
    return stays("sendmsg", message->msg_name) ? call(fd, message, flags) : -1;
}

int sendmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags) {
    int (*call)(int, struct mmsghdr *, unsigned, int) = real("sendmmsg");
    unsigned place;
    for (place = 0; place < count; place++)
        if (!stays("sendmmsg", messages[place].msg_hdr.msg_name)) return -1;
    return call(fd, messages, count, flags);
}

int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints, struct addrinfo **found) {
    int (*call)(const char *, const char *, const struct addrinfo *, struct addrinfo **) = real("getaddrinfo");
    struct in6_addr six;
    struct in_addr four;
    /* A number needs no looking up; where it leads is seen when it is used. */
    if (name && (inet_pton(AF_INET, name, &four) == 1 || inet_pton(AF_INET6, name, &six) == 1))
        return call(name, service, hints, found);
    return is_here("getaddrinfo", name) ? call(name, service, hints, found) : EAI_AGAIN;
}

struct hostent *gethostbyname(const char *name) {
    struct hostent *(*call)(const char *) = real("gethostbyname");
    if (is_here("gethostbyname", name)) return call(name);
    h_errno = TRY_AGAIN;
    return NULL;
}
