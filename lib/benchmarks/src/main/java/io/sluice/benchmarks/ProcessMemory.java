package io.sluice.benchmarks;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Memory of this process by the system's own account (Linux); −1 where it keeps none. */
public final class ProcessMemory {
  private ProcessMemory() {}

  /** In RAM now: heap, native memory and code. */
  public static long residentKibibytes() throws IOException {
    return field("VmRSS:");
  }

  /** The most that was in RAM since the process began. */
  public static long peakKibibytes() throws IOException {
    return field("VmHWM:");
  }

  private static long field(String name) throws IOException {
    Path status = Path.of("/proc/self/status");
    if (!Files.exists(status)) {
      return -1;
    }
    return Files.readAllLines(status).stream()
        .filter(line -> line.startsWith(name))
        .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")))
        .findFirst()
        .orElse(-1);
  }
}
