package io.sluice.scoring.batch;

import org.apache.hadoop.fs.Path;

/**
 * Where things lie in a predictions table.
 *
 * <pre>
 * _format.json                       what the table is
 * model=M/date=D/part-….parquet      the rows
 * _locks/M.lock                      held by the run that publishes predictions of M
 * _staging/M/RUN/date=D/             new partitions on their way in
 * _journal/M/RUN.json                the commit: partitions that must be swapped in
 * _replaced/M/RUN/date=D/            old partitions on their way out
 * </pre>
 *
 * <p>Everything but the rows is keyed by model first, because the lock is per model: who holds the
 * lock of M owns all that lies below these M folders.
 */
record TableLayout(Path root) {
  static final String DATE_PREFIX = "date=";

  Path format() {
    return new Path(root, "_format.json");
  }

  Path model(String model) {
    return new Path(root, "model=" + model);
  }

  Path partition(String model, String partition) {
    return new Path(model(model), partition);
  }

  /** What the lock of a model guards; the lock file is this path with {@code .lock} behind it. */
  Path lockTarget(String model) {
    return new Path(new Path(root, "_locks"), model);
  }

  Path stagings(String model) {
    return new Path(new Path(root, "_staging"), model);
  }

  Path staging(String model, String runId) {
    return new Path(stagings(model), runId);
  }

  Path journals() {
    return new Path(root, "_journal");
  }

  Path journals(String model) {
    return new Path(journals(), model);
  }

  Path journal(String model, String runId) {
    return new Path(journals(model), runId + ".json");
  }

  Path replacements(String model) {
    return new Path(new Path(root, "_replaced"), model);
  }

  Path replaced(String model, String runId) {
    return new Path(replacements(model), runId);
  }
}
