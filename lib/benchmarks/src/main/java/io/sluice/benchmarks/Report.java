package io.sluice.benchmarks;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import io.sluice.config.Provenance;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDate;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** What a benchmark found, for a person on standard output and as JSON under {@code results/}. */
public final class Report {
  /** Folder of recorded results; set by {@code run.sh --record}. */
  private static final String RECORD = "sluice.benchmarks.record";

  private final String name;
  private final Map<String, Object> json = new LinkedHashMap<>();

  public Report(String name, String question) {
    this.name = name;
    json.put("benchmark", name);
    json.put("question", question);
    json.put("date", LocalDate.now().toString());
    json.put("machine", machine());
    json.put("java", System.getProperty("java.vm.version"));
    json.put("heapMiB", Runtime.getRuntime().maxMemory() >> 20);
    json.put("code", Provenance.currentCodeVersion());
  }

  /** Adds a fact; shown as it is. */
  public Report put(String key, Object value) {
    json.put(key, value);
    if (!(value instanceof Map)) {
      System.out.println(key + ": " + value);
    }
    return this;
  }

  /** Adds facts that are shown by who measured them. */
  Report putAll(Map<String, Turns.Times> times) {
    times.forEach((contestant, t) -> json.put(contestant, t.toJson()));
    return this;
  }

  Report putTimes(Map<String, Turns.Times> times) {
    return putTimes("times", times);
  }

  /** Adds the times of contestants under a name. */
  Report putTimes(String name, Map<String, Turns.Times> times) {
    var shown = new LinkedHashMap<String, Object>();
    times.forEach((contestant, t) -> shown.put(contestant, t.toJson()));
    return put(name, shown);
  }

  /** Adds a ratio and what was asked of it; says so if it misses. */
  public Report require(String what, double ratio, String rule, boolean holds) {
    put(what, rounded(ratio));
    json.put(what + "Required", rule);
    json.put(what + "Holds", holds);
    System.out.printf(
        Locale.ROOT, "%s = %.3f, required %s: %s%n", what, ratio, rule, holds ? "holds" : "MISSED");
    return this;
  }

  /** Writes the file where recording is asked for. */
  public void finish() throws IOException {
    String folder = System.getProperty(RECORD);
    if (folder != null) {
      Path file = Path.of(folder, name + ".json");
      Files.createDirectories(file.getParent());
      String text =
          new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT).writeValueAsString(json);
      Files.writeString(file, text + "\n");
      System.out.println("recorded in " + file);
    }
  }

  /** Four significant digits: more would pretend. */
  public static double rounded(double value) {
    return Double.parseDouble(String.format(Locale.ROOT, "%.4g", value));
  }

  private static String machine() {
    String model = "unknown processor";
    long kibibytes = 0;
    try {
      model = field("/proc/cpuinfo", "model name", model);
      kibibytes = Long.parseLong(field("/proc/meminfo", "MemTotal", "0").replaceAll("\\D", ""));
    } catch (IOException e) {
      // not a Linux: the report goes without
    }
    return "%d cores, %s, %d GB"
        .formatted(
            Runtime.getRuntime().availableProcessors(), model, Math.round(kibibytes / 1048576.0));
  }

  private static String field(String file, String key, String otherwise) throws IOException {
    List<String> lines = Files.readAllLines(Path.of(file));
    return lines.stream()
        .filter(line -> line.startsWith(key))
        .map(line -> line.substring(line.indexOf(':') + 1).strip())
        .findFirst()
        .orElse(otherwise);
  }
}
