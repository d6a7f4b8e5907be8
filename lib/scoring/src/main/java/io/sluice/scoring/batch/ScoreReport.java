package io.sluice.scoring.batch;

import java.util.List;

/** What a scoring run did; Jackson writes it as the job's last line. */
public sealed interface ScoreReport permits WindowScoreReport, DocumentScoreReport {
  /** The predictions table. */
  String predictions();

  /** Rows. */
  long predictionsWritten();

  /** What a person should know though it was scored. */
  List<String> warnings();
}
