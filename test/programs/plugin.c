// Calls back from a file of its own, which no-pointers loads when it already runs.
__attribute__((noinline)) void in_plugin(void (*burn)(void)) {
  volatile char frame[300];
  frame[0] = 1;
  burn();
  frame[1] = frame[0];
}
