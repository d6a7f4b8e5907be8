package io.sluice.report;

import java.io.IOException;
import java.io.Reader;
import java.io.Writer;

/** The page of an evaluation, drawn from {@code evaluation.json} (evaluation.v1). */
public final class EvaluationPage {

  /**
   * Draws the page.
   *
   * @param evaluationJson the content of {@code evaluation.json}
   * @param html receives one self-contained HTML file, UTF-8
   */
  public static void write(Reader evaluationJson, Writer html) throws IOException {
    throw new UnsupportedOperationException();
  }

  private EvaluationPage() {}
}
