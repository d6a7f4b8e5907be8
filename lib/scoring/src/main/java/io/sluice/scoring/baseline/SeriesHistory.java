package io.sluice.scoring.baseline;

import io.sluice.sequences.dataset.Segment;
import io.sluice.sequences.dataset.SequenceManifest.Part;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/**
 * What a dataset knows of the series in one of its parts: the part's own rows and, as far back as a
 * lag needs, rows of other parts, whatever their split.
 *
 * <p>A seasonal forecast may need more history than a look-back or a segment holds (a week of hours
 * is 168 steps). The rows before are in the same period's other files or in the periods before, so
 * those are read, and of them only the series and steps that are asked for.
 */
public final class SeriesHistory {
  private static final String PERIOD = "period=";

  private final List<Part> parts;
  private final Function<Part, Iterator<Segment>> segments;
  private final int[] channels;
  private final long stepTicks;

  /**
   * @param parts all parts that may be read, of any split
   * @param segments reads a part
   * @param channels indices of the channels to hold
   * @param stepTicks ticks of a grid step
   */
  public SeriesHistory(
      List<Part> parts,
      Function<Part, Iterator<Segment>> segments,
      int[] channels,
      long stepTicks) {
    this.parts = List.copyOf(parts);
    this.segments = segments;
    this.channels = channels.clone();
    this.stepTicks = stepTicks;
  }

  /** A series' own steps in a part: from the first to the last. */
  public record Span(long firstStep, long lastStep) {
    Span with(long first, long last) {
      return new Span(Math.min(firstStep, first), Math.max(lastStep, last));
    }
  }

  /** The series of a part and the steps they have there. */
  public Map<String, Span> spans(Part part) {
    var spans = new HashMap<String, Span>();
    for (Iterator<Segment> it = segments.apply(part); it.hasNext(); ) {
      Segment segment = it.next();
      if (segment.steps() > 0) {
        long first = step(segment.times()[0]);
        long last = step(segment.times()[segment.steps() - 1]);
        spans.merge(segment.series(), new Span(first, last), (a, b) -> a.with(first, last));
      }
    }
    return spans;
  }

  /** The part's own rows, by series. */
  public Map<String, SeriesValues> own(Part part) {
    var history = new HashMap<String, SeriesValues>();
    for (Iterator<Segment> it = segments.apply(part); it.hasNext(); ) {
      Segment segment = it.next();
      history
          .computeIfAbsent(segment.series(), s -> new SeriesValues(channels.length))
          .add(segment, channels, stepTicks, Long.MIN_VALUE, Long.MAX_VALUE);
    }
    return history;
  }

  /**
   * Rows of other parts, by series: for each span its steps and {@code lag} steps before.
   *
   * @param before reads only parts that come before the given one in order of period and path
   */
  public Map<String, SeriesValues> others(
      Part part, Map<String, Span> spans, int lag, boolean before) {
    var history = new HashMap<String, SeriesValues>();
    for (Part other : parts) {
      if (other.path().equals(part.path()) || !mayReach(other, part, spans, lag, before)) {
        continue;
      }
      for (Iterator<Segment> it = segments.apply(other); it.hasNext(); ) {
        Segment segment = it.next();
        Span span = spans.get(segment.series());
        if (span != null) {
          history
              .computeIfAbsent(segment.series(), s -> new SeriesValues(channels.length))
              .add(segment, channels, stepTicks, span.firstStep() - lag, span.lastStep());
        }
      }
    }
    return history;
  }

  private boolean mayReach(
      Part other, Part part, Map<String, Span> spans, int lag, boolean before) {
    String theirs = period(other);
    String ours = period(part);
    int order = theirs.compareTo(ours);
    if (order > 0 || (before && order == 0 && other.path().compareTo(part.path()) >= 0)) {
      return false;
    }
    return order == 0 || endsAfter(theirs, earliest(spans) - lag);
  }

  /** Whether a period's segments may hold a step at or after the given one. */
  private boolean endsAfter(String period, long step) {
    // a period's rows end before the second period after it starts: segments overlap by less
    // than a period; without a readable name the part is read and its rows decide
    List<String> later =
        parts.stream()
            .map(SeriesHistory::period)
            .filter(p -> p.compareTo(period) > 0)
            .distinct()
            .sorted()
            .toList();
    if (later.size() < 2) {
      return true;
    }
    return startStep(later.get(1)).map(start -> start > step).orElse(true);
  }

  private java.util.Optional<Long> startStep(String period) {
    String value = period.substring(period.indexOf('=') + 1);
    try {
      if (value.contains("-")) {
        long micros = java.time.LocalDate.parse(value).toEpochDay() * 86_400_000_000L;
        return java.util.Optional.of(step(micros));
      }
      return java.util.Optional.of(step(Long.parseLong(value)));
    } catch (java.time.DateTimeException | NumberFormatException unreadable) {
      return java.util.Optional.empty();
    }
  }

  private static long earliest(Map<String, Span> spans) {
    return spans.values().stream().mapToLong(Span::firstStep).min().orElse(0);
  }

  /** "period=2024-01-01", or "" where the path has none. */
  private static String period(Part part) {
    for (String name : part.path().split("/")) {
      if (name.startsWith(PERIOD)) {
        return name;
      }
    }
    return "";
  }

  private long step(long time) {
    return Math.floorDiv(time, stepTicks);
  }
}
