package io.sluice.report;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.samskivert.mustache.Mustache;
import com.samskivert.mustache.Template;
import io.sluice.failure.InvalidInputException;
import java.io.IOException;
import java.io.Reader;
import java.io.Writer;

/**
 * The page of an evaluation, drawn from {@code evaluation.json} (evaluation.v1).
 *
 * <p>One HTML file: styles, scripts and data are inside, and its content security policy forbids
 * every request. Names come from data, so the template escapes all text and the embedded data
 * cannot close its element.
 */
public final class EvaluationPage {
  /** The page's usual name beside {@code evaluation.json}. */
  public static final String FILE_NAME = "index.html";

  private static final String FORMAT = "evaluation.v1";
  private static final ObjectMapper JSON = new ObjectMapper();

  /**
   * Draws the page.
   *
   * @param evaluationJson the content of {@code evaluation.json}
   * @param html receives one self-contained HTML file, UTF-8
   * @throws InvalidInputException if it is not an evaluation of this format
   */
  public static void write(Reader evaluationJson, Writer html) throws IOException {
    JsonNode evaluation = JSON.readTree(evaluationJson);
    String format = evaluation.path("format").asText("(none)");
    if (!format.equals(FORMAT)) {
      throw new InvalidInputException(
          "Cannot draw the evaluation's page: its format is %s, this version draws %s. Run evaluate again."
              .formatted(format, FORMAT));
    }
    Template template =
        Mustache.compiler()
            .escapeHTML(true)
            .emptyStringIsFalse(true)
            .compile(Resources.text("evaluation.mustache"));
    template.execute(EvaluationView.of(evaluation), html);
    html.flush();
  }

  private EvaluationPage() {}
}
