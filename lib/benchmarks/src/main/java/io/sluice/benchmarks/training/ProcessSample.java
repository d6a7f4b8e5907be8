package io.sluice.benchmarks.training;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * What a Java process holds, seen from outside: {@code /proc}, and {@code jcmd}, which first
 * collects its garbage and has the C library give back what is free in its arenas. It keeps that
 * otherwise: the resident memory of two executors rose by 36 and 18 MiB within 15 seconds after 35
 * minutes, and stayed there to 0.2 MiB for the 25 minutes that followed.
 *
 * <p>All memory but the heap's own is counted without the heap's size, which says something only of
 * a process that holds its whole heap from the start ({@code -Xms}, {@code AlwaysPreTouch}). Pages
 * of a young generation are otherwise touched late: a driver rose by 25 MiB an hour while the JVM
 * had committed more than was resident, and the same from start to end.
 *
 * @param seconds since the first sample was due
 */
record ProcessSample(double seconds, long[] numbers) {
  private static final Pattern HEAP_SIZE = Pattern.compile("heap\\s+total (\\d+)K, used \\d+K");
  private static final Pattern HEAP_USED = Pattern.compile("heap\\s+total \\d+K, used (\\d+)K");
  private static final Pattern COMMITTED =
      Pattern.compile("Total: reserved=\\d+KB, committed=(\\d+)KB");

  /** What is counted. */
  enum Number {
    HEAP("heap after GC, KiB"),
    RESIDENT("resident besides the heap, KiB"),
    ANONYMOUS("anonymous besides the heap, KiB"),
    JVM("committed by the JVM besides the heap, KiB"),
    THREADS("threads"),
    FILES("open files");

    private final String words;

    Number(String words) {
      this.words = words;
    }

    String words() {
      return words;
    }

    boolean isMemory() {
      return compareTo(THREADS) < 0;
    }
  }

  static ProcessSample of(ProcessHandle process, double seconds)
      throws IOException, InterruptedException {
    String jvm = jcmd(process.pid());
    long heap = found(HEAP_SIZE, jvm);
    String status = Files.readString(Path.of("/proc", Long.toString(process.pid()), "status"));
    return new ProcessSample(
        seconds,
        new long[] {
          found(HEAP_USED, jvm),
          found(Pattern.compile("VmRSS:\\s+(\\d+) kB"), status) - heap,
          found(Pattern.compile("RssAnon:\\s+(\\d+) kB"), status) - heap,
          found(COMMITTED, jvm) - heap,
          found(Pattern.compile("Threads:\\s+(\\d+)"), status),
          files(process.pid())
        });
  }

  private static long files(long pid) throws IOException {
    try (Stream<Path> files = Files.list(Path.of("/proc", Long.toString(pid), "fd"))) {
      return files.count();
    }
  }

  private static String jcmd(long pid) throws IOException, InterruptedException {
    Path commands = Files.createTempFile("sluice-jcmd", ".txt");
    try {
      Files.writeString(
          commands, "GC.run\nSystem.trim_native_heap\nGC.heap_info\nVM.native_memory summary\n");
      Process process =
          new ProcessBuilder(
                  Path.of(System.getProperty("java.home"), "bin", "jcmd").toString(),
                  Long.toString(pid),
                  "-f",
                  commands.toString())
              .redirectErrorStream(true)
              .start();
      String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      if (process.waitFor() != 0) {
        throw new IllegalStateException("jcmd of process %d failed: %s".formatted(pid, out));
      }
      return out;
    } finally {
      Files.delete(commands);
    }
  }

  private static long found(Pattern pattern, String text) {
    Matcher matcher = pattern.matcher(text);
    if (!matcher.find()) {
      throw new IllegalStateException("no %s in: %s".formatted(pattern, text));
    }
    return Long.parseLong(matcher.group(1));
  }

  long get(Number number) {
    return numbers[number.ordinal()];
  }

  Map<String, Object> toJson() {
    var json = new LinkedHashMap<String, Object>();
    json.put("seconds", Math.round(seconds));
    for (Number number : Number.values()) {
      json.put(number.words(), get(number));
    }
    return json;
  }

  @Override
  public String toString() {
    return "heap %d MiB, besides it %d MiB, threads %d, files %d"
        .formatted(
            get(Number.HEAP) >> 10,
            get(Number.RESIDENT) >> 10,
            get(Number.THREADS),
            get(Number.FILES));
  }
}
