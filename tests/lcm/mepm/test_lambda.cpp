// A λ for tests: an HTTP server that can misbehave in all the ways that must be contained.
//
// usage: test_lambda PORT [MODE]
//   serve         answers every GET with 200 (the default)
//   exit          says so and exits with status 3
//   crash-later   serves, and ends by itself 30 ms after it was asked for /crash
//   never-ready   answers 503
//   fork          serves, with children in sessions of their own
//   fork-bomb     forks for as long as it can
//   chatter       serves, and writes to its output without end
//   grow-file     writes a file without end
//   stubborn      serves, and ignores SIGTERM
//   memory        serves, and uses more and more memory from its first request on
//   confirm       says confirm_ready; asks to be told of its end, and confirms it
//   daemon        serves, and leaves a child in a session of its own that remembers nothing
//   masked        serves, and has a child whose name hides its number
//   stop-others   serves, then stops whatever else its user has, for ever
//   memfd, tmpfs  serves, and uses more and more memory that is a file
//   mapped        the same, mapped
//   orphans       serves, and at each request leaves 20 children that end by themselves
//   litter        serves, having left things where they are not looked for
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

namespace {

std::atomic<long> requests{0};
std::string mode = "serve";
std::string argument;

int connect_to(int port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  struct sockaddr_in address {};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0) return fd;
  ::close(fd);
  return -1;
}

std::string read_some(int fd) {
  std::array<char, 8192> buffer{};
  const auto got = ::read(fd, buffer.data(), buffer.size());
  return got > 0 ? std::string(buffer.data(), static_cast<std::size_t>(got)) : std::string();
}

void write_all(int fd, const std::string& text) {
  std::size_t done = 0;
  while (done < text.size()) {
    const auto put = ::write(fd, text.data() + done, text.size() - done);
    if (put <= 0) return;
    done += static_cast<std::size_t>(put);
  }
}

// POST to "http://127.0.0.1:PORT/path"; the answer's first line.
std::string post(const std::string& uri, const std::string& body) {
  const auto colon = uri.rfind(':');
  const auto slash = uri.find('/', colon);
  const int fd = connect_to(std::atoi(uri.substr(colon + 1).c_str()));
  if (fd < 0) return "no connection";
  write_all(fd, "POST " + uri.substr(slash) +
                    " HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: "
                    "application/json\r\nContent-Length: " +
                    std::to_string(body.size()) + "\r\n\r\n" + body);
  auto answer = read_some(fd);
  ::close(fd);
  return answer.substr(0, answer.find('\r'));
}

std::string own_resource(const std::string& name) {
  return std::string(std::getenv("MX2_MP1_URI")) + "/applications/" +
         std::getenv("MX2_APP_INSTANCE_ID") + "/" + name;
}

void confirm(int port) {
  post(own_resource("subscriptions"),
       R"({"subscriptionType":"AppTerminationNotificationSubscription","callbackReference":)"
       "\"http://127.0.0.1:" +
           std::to_string(port) + "/end\",\"appInstanceId\":\"" +
           std::getenv("MX2_APP_INSTANCE_ID") + R"(","_links":{"self":{"href":"/x"}}})");
  std::printf("confirm_ready: %s\n",
              post(own_resource("confirm_ready"), R"({"indication":"READY"})").c_str());
  std::fflush(stdout);
}

// What the environment says of the orchestrator, and the token as far as it can be read.
std::string surroundings() {
  std::string text;
  for (const char* name : {"MX2_HOST_ID", "MX2_ORCHESTRATOR_URL", "MX2_ORCHESTRATOR_TOKEN_FILE"}) {
    const char* value = std::getenv(name);
    text += std::string(value == nullptr ? "-" : value) + "\n";
  }
  const char* path = std::getenv("MX2_ORCHESTRATOR_TOKEN_FILE");
  std::ifstream file(path == nullptr ? "" : path);
  std::string token;
  std::getline(file, token);
  return text + token;
}

void leave_orphans() {
  const pid_t child = ::fork();
  if (child == 0) {
    for (int i = 0; i < 20; ++i) {
      if (::fork() == 0) ::_exit(0);
    }
    ::_exit(0);
  }
  ::waitpid(child, nullptr, 0);
}

void answer(int fd) {
  const auto request = read_some(fd);
  ++requests;
  const bool well = mode != "never-ready";
  std::string body = "hello from " + std::string(std::getenv("MX2_APP_INSTANCE_ID"));
  if (request.rfind("GET /surroundings", 0) == 0) body = surroundings();
  if (request.rfind("GET /listens", 0) == 0) body = argument;
  if (mode == "orphans") leave_orphans();
  if (request.rfind("GET /mx2/stats", 0) == 0) {
    body = R"({"requests":)" + std::to_string(requests.load()) +
           R"(,"in_flight":1,"p50_ms":1.5,"p95_ms":2.5})";
  }
  write_all(fd, std::string("HTTP/1.1 ") + (well ? "200 OK" : "503 No") +
                    "\r\nConnection: close\r\nContent-Length: " + std::to_string(body.size()) +
                    "\r\n\r\n" + body);
  ::close(fd);
  if (request.rfind("GET /crash", 0) == 0 && mode == "crash-later") {
    std::this_thread::sleep_for(std::chrono::milliseconds(30));
    ::_exit(7);
  }
  if (request.rfind("POST /end", 0) == 0) {
    post(own_resource("confirm_termination"), R"({"operationAction":"TERMINATING"})");
  }
}

int listen_on(int port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  struct sockaddr_in address {};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  const char* where = std::getenv("MX2_ADDRESS");
  if (where != nullptr) ::inet_pton(AF_INET, where, &address.sin_addr);
  if (::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0 ||
      ::listen(fd, 64) != 0) {
    std::perror("listen");
    std::exit(4);
  }
  return fd;
}

void fork_children() {
  for (int i = 0; i < 5; ++i) {
    if (::fork() != 0) continue;
    if (i % 2 == 0) ::setsid();
    ::signal(SIGTERM, SIG_IGN);
    for (;;) ::pause();
  }
}

// Its number is in ./child.
void note(pid_t child) { std::ofstream("child") << child << std::flush; }

void leave_daemon() {
  const pid_t parent = ::fork();
  if (parent == 0) {
    ::setsid();
    const pid_t child = ::fork();
    if (child != 0) {
      note(child);
      ::_exit(0);
    }
    char name[] = "sleep";
    char long_time[] = "1000";
    char* const arguments[] = {name, long_time, nullptr};
    char* const nothing[] = {nullptr};
    ::execve("/bin/sleep", arguments, nothing);
    ::_exit(1);
  }
  ::waitpid(parent, nullptr, 0);
}

void fork_masked() {
  const pid_t child = ::fork();
  if (child != 0) return note(child);
  ::prctl(PR_SET_NAME, "a\nb) Z 1");
  for (;;) ::pause();
}

void stop_others() {
  if (::getuid() < 200000) return;  // somebody's
  while (requests == 0) ::usleep(1000);
  ::usleep(50'000);  // for the answer
  if (::fork() != 0) return;
  note(::getpid());
  for (;;) ::kill(-1, SIGSTOP);
}

void use_files(int fd, bool mapped) {
  while (requests == 0) ::usleep(1000);
  const std::string block(1U << 20U, 'x');
  for (std::size_t size = 0;; size += block.size()) {
    write_all(fd, block);
    if (mapped) {
      auto* at = ::mmap(nullptr, block.size(), PROT_READ | PROT_WRITE, MAP_SHARED, fd,
                        static_cast<off_t>(size));
      if (at != MAP_FAILED) std::memset(at, 'y', block.size());
    }
    ::usleep(1000);
  }
}

int memory_file() {
  if (mode != "tmpfs") return ::memfd_create("x", MFD_CLOEXEC);
  const auto name = std::string("/dev/shm/mx2-test-") + std::to_string(::getpid());
  const int fd = ::open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  ::unlink(name.c_str());
  return fd;
}

// Deep, closed, or elsewhere; what it links to is not its own.
void litter() {
  ::symlink("/etc", "link");
  ::mkdir("closed", 0700);
  std::ofstream("closed/file") << "x";
  ::chmod("closed", 0);
  std::ofstream("/tmp/mx2-litter-" + argument) << "x";
  ::mkdir(("/dev/shm/mx2-litter-" + argument).c_str(), 0700);
  std::ofstream("/dev/shm/mx2-litter-" + argument + "/file") << "x";
  ::shmget(IPC_PRIVATE, 4096, IPC_CREAT | 0600);
  const int home = ::open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  for (int i = 0; i < 1000; ++i) {
    if (::mkdir("deep", 0700) != 0 || ::chdir("deep") != 0) break;
  }
  ::fchdir(home);
}

void fork_for_ever() {
  for (;;) {
    if (::fork() < 0) ::usleep(1000);
  }
}

void chatter() {
  const std::string line(1000, 'x');
  for (;;) std::puts(line.c_str());
}

void grow_file() {
  std::ofstream file("big", std::ios::binary);
  const std::string block(1U << 16U, 'x');
  for (;;) file << block << std::flush;
}

void use_memory() {
  std::vector<std::string> held;
  while (requests == 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  for (;;) {
    held.emplace_back(1U << 20U, 'x');
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  const int port = std::atoi(argv[1]);
  if (argc > 2) mode = argv[2];
  if (argc > 3) argument = argv[3];
  ::signal(SIGPIPE, SIG_IGN);
  if (mode == "exit") {
    std::puts("I do not feel like it");
    return 3;
  }
  if (mode == "stubborn") ::signal(SIGTERM, SIG_IGN);
  if (mode == "fork") fork_children();
  if (mode == "fork-bomb") fork_for_ever();
  if (mode == "daemon") leave_daemon();
  if (mode == "masked") fork_masked();
  if (mode == "litter") litter();
  if (mode == "grow-file") grow_file();
  const int listener = listen_on(port);
  if (mode == "chatter") std::thread(chatter).detach();
  if (mode == "memory") std::thread(use_memory).detach();
  if (mode == "stop-others") std::thread(stop_others).detach();
  if (mode == "memfd" || mode == "tmpfs" || mode == "mapped") {
    std::thread(use_files, memory_file(), mode == "mapped").detach();
  }
  if (mode == "confirm") std::thread(confirm, port).detach();
  for (;;) {
    const int fd = ::accept(listener, nullptr, nullptr);
    if (fd >= 0) std::thread(answer, fd).detach();
  }
}
