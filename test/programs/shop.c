// A service whose price_basket can be made slower, as by a deploy; all else stays as it is:
// a request takes 3 ms to be parsed and 2 to be rendered.
// Usage: shop PRICE_MS. Runs until it is killed.
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static volatile unsigned long sink;

static inline __attribute__((always_inline)) void spend(double ms) {
  struct timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  double end = now.tv_sec * 1e3 + now.tv_nsec / 1e6 + ms;
  do {
    for (unsigned long i = 0; i < 3000; i++) sink += i * 3;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  } while (now.tv_sec * 1e3 + now.tv_nsec / 1e6 < end);
}

__attribute__((noinline)) static void parse_request(void) {
  spend(3);
}

__attribute__((noinline)) static void render_page(void) {
  spend(2);
}

__attribute__((noinline)) static void price_basket(double ms) {
  spend(ms);
}

__attribute__((noinline)) static void handle_request(double price_ms) {
  parse_request();
  price_basket(price_ms);
  render_page();
  sink++; // so that the call above is no tail call, which would leave no frame
}

int main(int argc, char **argv) {
  double price_ms = argc > 1 ? atof(argv[1]) : 1;
  for (;;) {
    handle_request(price_ms);
    usleep(10000);
  }
}
