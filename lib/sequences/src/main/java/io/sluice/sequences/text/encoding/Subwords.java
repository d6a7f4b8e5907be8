package io.sluice.sequences.text.encoding;

import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.sluice.failure.InvalidInputException;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Consumer;

/** Pieces by a {@code tokenizer.json}: BPE, WordPiece, Unigram or WordLevel. */
final class Subwords implements Segmenter, AutoCloseable {
  private final HuggingFaceTokenizer tokenizer;
  private final Map<Integer, String> tokens;
  private final Map<String, Integer> ids = new HashMap<>();

  /**
   * @param tokenizerJson the file's text
   */
  Subwords(String tokenizerJson) {
    keepToItself();
    tokens = new HashMap<>(tokens(tokenizerJson));
    tokens.forEach((id, token) -> ids.put(token, id));
    try {
      tokenizer =
          HuggingFaceTokenizer.newInstance(
              new ByteArrayInputStream(tokenizerJson.getBytes(StandardCharsets.UTF_8)),
              // a map of its own: DJL adds to it
              new HashMap<>(
                  Map.of("addSpecialTokens", "false", "truncation", "false", "padding", "false")));
    } catch (IOException | RuntimeException e) {
      throw refusal(e.getMessage(), e);
    }
  }

  /** DJL looks for libraries on the network and reports its use, unless it is told not to. */
  private static void keepToItself() {
    for (String property : new String[] {"ai.djl.offline", "OPT_OUT_TRACKING"}) {
      if (System.getProperty(property) == null) {
        System.setProperty(property, "true");
      }
    }
  }

  /**
   * By id: a Unigram gives what it does not know the id of its unknown token, and hands it over as
   * it is written, a sentence of another script as one piece.
   */
  @Override
  public void segment(String text, Consumer<String> pieces) {
    for (long id : tokenizer.encode(text, false, false).getIds()) {
      pieces.accept(tokens.get((int) id));
    }
  }

  /** A token that the tokenizer does not have stands by itself. */
  @Override
  public String join(List<String> tokens) {
    var text = new StringBuilder();
    var run = new ArrayList<Long>();
    for (String token : tokens) {
      Integer id = ids.get(token);
      if (id == null) {
        flush(run, text);
        text.append(text.length() == 0 ? "" : " ").append(token);
      } else {
        run.add((long) id);
      }
    }
    flush(run, text);
    return text.toString();
  }

  private void flush(List<Long> run, StringBuilder text) {
    if (!run.isEmpty()) {
      // also special ones, or an unknown token would be none
      String words = tokenizer.decode(run.stream().mapToLong(Long::longValue).toArray(), false);
      boolean needsBlank = text.length() > 0 && !words.startsWith(" ");
      text.append(needsBlank ? " " : "").append(words);
      run.clear();
    }
  }

  @Override
  public void close() {
    tokenizer.close();
  }

  /** Tokens of a {@code tokenizer.json} by id, its added ones included. */
  static TreeMap<Integer, String> tokens(String tokenizerJson) {
    JsonNode root = tree(tokenizerJson);
    JsonNode vocabulary = root.path("model").path("vocab");
    var tokens = new TreeMap<Integer, String>();
    if (vocabulary.isObject()) {
      vocabulary.fields().forEachRemaining(e -> tokens.put(e.getValue().asInt(), e.getKey()));
    } else {
      for (int id = 0; id < vocabulary.size(); id++) {
        tokens.put(id, vocabulary.get(id).path(0).asText()); // Unigram: [token, score]
      }
    }
    root.path("added_tokens")
        .forEach(t -> tokens.put(t.path("id").asInt(), t.path("content").asText()));
    if (tokens.isEmpty()) {
      throw refusal("it has no model.vocab", null);
    }
    return tokens;
  }

  /** The token for what the tokenizer does not know; null if there is no such thing. */
  static String unknown(String tokenizerJson) {
    JsonNode model = tree(tokenizerJson).path("model");
    JsonNode id = model.path("unk_id");
    return id.isInt()
        ? tokens(tokenizerJson).get(id.asInt())
        : model.path("unk_token").asText(null);
  }

  private static JsonNode tree(String tokenizerJson) {
    try {
      return new ObjectMapper().readTree(tokenizerJson);
    } catch (JsonProcessingException e) {
      throw refusal("it is not JSON: " + e.getOriginalMessage(), e);
    }
  }

  private static InvalidInputException refusal(String reason, Exception cause) {
    return new InvalidInputException(
        "The tokenizer cannot be read: %s. Give text.tokenizer-path a tokenizer.json as Hugging Face's tokenizers write it."
            .formatted(reason),
        cause);
  }
}
