package io.sluice.benchmarks;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Memory of a process by the system's own account (Linux); −1 where it keeps none. */
public final class ProcessMemory {
  private ProcessMemory() {}

  /** In RAM now, of this one: heap, native memory and code. */
  public static long residentKibibytes() throws IOException {
    return field("self", "VmRSS:");
  }

  /** The most that was in RAM since this one began. */
  public static long peakKibibytes() throws IOException {
    return field("self", "VmHWM:");
  }

  /** The most that was in RAM since another one began. */
  public static long peakKibibytes(long pid) throws IOException {
    return field(Long.toString(pid), "VmHWM:");
  }

  private static long field(String process, String name) throws IOException {
    Path status = Path.of("/proc", process, "status");
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
