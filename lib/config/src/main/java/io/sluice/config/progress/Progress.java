package io.sluice.config.progress;

import java.io.PrintStream;
import java.time.Duration;
import java.util.function.LongSupplier;
import java.util.function.Supplier;

/**
 * Where tasks say how far they are. One task is open at a time; a task belongs to one thread.
 *
 * <pre>{@code
 * try (Progress.Task task = progress.start("train", steps)) {
 *   task.at(step, () -> "loss %.4f".formatted(loss));
 * }
 * }</pre>
 */
public final class Progress {
  private static final Duration BAR_INTERVAL = Duration.ofMillis(200);
  private static final Duration LINE_INTERVAL = Duration.ofSeconds(10);
  private static final int BAR_CELLS = 24;

  private final PrintStream out;
  private final boolean terminal;
  private final LongSupplier nanoTime;
  private final long intervalNanos;

  Progress(PrintStream out, boolean terminal, LongSupplier nanoTime) {
    this.out = out;
    this.terminal = terminal;
    this.nanoTime = nanoTime;
    this.intervalNanos = (terminal ? BAR_INTERVAL : LINE_INTERVAL).toNanos();
  }

  /** A bar where a person sits at a terminal, else a line every ten seconds. */
  public static Progress standardError() {
    boolean terminal = System.console() != null && !"dumb".equals(System.getenv("TERM"));
    return new Progress(System.err, terminal, System::nanoTime);
  }

  /** Says nothing. */
  public static Progress silent() {
    return new Progress(null, false, System::nanoTime);
  }

  /**
   * Opens a task.
   *
   * @param name first word of each line
   * @param total units in all
   */
  public Task start(String name, long total) {
    return new Task(name, total);
  }

  /** One piece of work. Closing it ends its line; a task that fails just stops where it was. */
  public final class Task implements AutoCloseable {
    private final String name;
    private final long total;
    private long shownNanos = nanoTime.getAsLong() - intervalNanos;
    private long done;
    private boolean warm;
    private long warmDone;
    private long warmNanos;
    private String text = "";
    private int width;

    private Task(String name, long total) {
      this.name = name;
      this.total = total;
    }

    /**
     * Says that {@code done} units are done; shows it if it is time to. The time left is by the
     * speed since the first call: what was done before it, by an earlier attempt or while code was
     * still compiled and caches filled, says nothing of it.
     *
     * @param text the rest of the line, made only if it is shown
     */
    public void at(long done, Supplier<String> text) {
      this.done = done;
      long now = nanoTime.getAsLong();
      if (!warm) {
        warm = true;
        warmDone = done;
        warmNanos = now;
      }
      if (out != null && now - shownNanos >= intervalNanos) {
        shownNanos = now;
        this.text = text.get();
        show(now);
      }
    }

    /** A line that stays, above the bar where there is one. */
    public void say(String line) {
      if (out != null) {
        out.println(terminal ? "\r" + padded(line) : line);
        width = 0;
      }
    }

    @Override
    public void close() {
      if (out != null && terminal && width > 0) {
        show(nanoTime.getAsLong());
        out.println();
      }
    }

    private void show(long now) {
      int percent = total <= 0 ? 100 : (int) (100 * Math.min(done, total) / total);
      String rest = (text.isEmpty() ? "" : " | " + text) + " | time left " + timeLeft(now);
      if (terminal) {
        int full = BAR_CELLS * percent / 100;
        String bar = "#".repeat(full) + ".".repeat(BAR_CELLS - full);
        String line = "%s [%s] %3d%%%s".formatted(name, bar, percent, rest);
        out.print("\r" + padded(line));
        out.flush();
        width = line.length();
      } else {
        out.println("%s %3d%%%s".formatted(name, percent, rest));
      }
    }

    /** With blanks over what a longer line before has left. */
    private String padded(String line) {
      return line + " ".repeat(Math.max(0, width - line.length()));
    }

    private String timeLeft(long now) {
      long moved = done - warmDone;
      if (moved <= 0) {
        return "unknown";
      }
      double seconds = (now - warmNanos) / 1e9 * Math.max(0, total - done) / moved;
      return words(Duration.ofSeconds(Math.round(seconds)));
    }
  }

  /** {@code 1h 02m}, {@code 4m 10s}, {@code 8s}. */
  public static String words(Duration duration) {
    long seconds = duration.toSeconds();
    if (seconds >= 3600) {
      return "%dh %02dm".formatted(seconds / 3600, seconds % 3600 / 60);
    }
    return seconds >= 60 ? "%dm %02ds".formatted(seconds / 60, seconds % 60) : seconds + "s";
  }
}
