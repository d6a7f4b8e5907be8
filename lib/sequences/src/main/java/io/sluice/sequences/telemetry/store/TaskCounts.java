package io.sluice.sequences.telemetry.store;

import java.io.Serializable;
import java.util.TreeMap;

/** What tasks counted, by name; only counts above zero are kept when added up. */
public final class TaskCounts implements Serializable {
  private static final long serialVersionUID = 1L;

  private final TreeMap<String, Long> droppedWindows = new TreeMap<>();
  private final TreeMap<String, Long> duplicates = new TreeMap<>();

  /** Counts windows that were not made. */
  public void addDropped(String reason, long n) {
    addTo(droppedWindows, reason, n);
  }

  /** Counts readings at a time that had one. */
  public void addDuplicates(String kind, long n) {
    addTo(duplicates, kind, n);
  }

  /** Adds another task's counts to these. */
  public void add(TaskCounts other) {
    other.droppedWindows.forEach(this::addDropped);
    other.duplicates.forEach(this::addDuplicates);
  }

  private static void addTo(TreeMap<String, Long> counts, String key, long n) {
    if (n > 0) {
      counts.merge(key, n, Long::sum);
    }
  }

  /** Windows that were not made, by reason. */
  public TreeMap<String, Long> droppedWindows() {
    return droppedWindows;
  }

  /** Readings at a time that had one, by what became of them. */
  public TreeMap<String, Long> duplicates() {
    return duplicates;
  }
}
