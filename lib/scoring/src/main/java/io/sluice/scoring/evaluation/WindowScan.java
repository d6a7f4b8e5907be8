package io.sluice.scoring.evaluation;

import io.sluice.scoring.baseline.SeriesHistory;
import io.sluice.sequences.dataset.Segment;
import io.sluice.sequences.dataset.SequenceManifest.Part;
import io.sluice.sequences.dataset.Split;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import org.apache.commons.lang3.SerializationUtils;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Predicts every window of a split once and gathers what a pass gathers, parts in parallel. */
final class WindowScan {
  private static final Logger LOG = LoggerFactory.getLogger(WindowScan.class);

  private final Subject subject;
  private final int[] channels;

  /**
   * @param channels indices of the target channels, whose history baselines may need
   */
  WindowScan(Subject subject, int[] channels) {
    this.subject = subject;
    this.channels = channels;
  }

  /** A part and the index of its first window in the split. */
  private record PartTask(String path, long firstWindow) implements Serializable {}

  /**
   * All windows of a split.
   *
   * @param empty a pass that has gathered nothing; each task begins with a copy
   */
  TargetPass of(Split split, TargetPass empty) {
    var tasks = new ArrayList<PartTask>();
    long first = 0;
    for (Part part : subject.parts(split)) {
      tasks.add(new PartTask(part.path(), first));
      first += part.windows();
    }
    WindowSource.Opener opener = subject.source();
    int[] columns = channels;
    int windowsAtOnce = subject.settings().batchSize();
    LOG.info("Evaluating {} windows of split {} in {} parts", first, split.label(), tasks.size());
    return subject
        .workers()
        .<PartTask, TargetPass>run(
            "evaluate: " + split.label() + " windows",
            tasks,
            (items, hadoop) -> {
              // a task that runs in this JVM must not share sums with another
              TargetPass own = SerializationUtils.clone(empty);
              scan(items, opener.open(hadoop), columns, windowsAtOnce, own);
              return own;
            },
            TargetPass::merge,
            subject.settings().device())
        .orElse(empty);
  }

  static SeriesHistory history(WindowSource source, List<Part> parts, int[] channels) {
    return new SeriesHistory(
        parts, source::segments, channels, source.manifest().contract().time().stepTicks());
  }

  private static void scan(
      Iterator<PartTask> tasks,
      WindowSource source,
      int[] channels,
      int batchSize,
      TargetPass pass) {
    try (WindowModel model = source.model()) {
      scan(tasks, source, model, channels, batchSize, pass);
    }
  }

  private static void scan(
      Iterator<PartTask> tasks,
      WindowSource source,
      WindowModel model,
      int[] channels,
      int batchSize,
      TargetPass pass) {
    SeriesHistory history = history(source, source.manifest().parts(), channels);
    var batch = new ArrayList<Window>(batchSize);
    while (tasks.hasNext()) {
      PartTask task = tasks.next();
      Part part = source.part(task.path());
      pass.startPart(part, history);
      long next = task.firstWindow();
      for (Iterator<Segment> segments = source.segments(part); segments.hasNext(); ) {
        Segment segment = segments.next();
        for (int origin : segment.origins()) {
          batch.add(new Window(segment, origin));
          if (batch.size() == batchSize) {
            next = take(model, batch, next, pass);
          }
        }
      }
      take(model, batch, next, pass);
    }
  }

  private static long take(WindowModel model, List<Window> batch, long first, TargetPass pass) {
    if (batch.isEmpty()) {
      return first;
    }
    WindowModel.Output output = model.predict(batch);
    for (int b = 0; b < batch.size(); b++) {
      pass.add(batch.get(b), first + b, output, b);
    }
    long next = first + batch.size();
    batch.clear();
    return next;
  }
}
