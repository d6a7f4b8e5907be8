package io.sluice.scoring.generation;

import io.sluice.config.InvalidConfigException;
import io.sluice.failure.InvalidInputException;
import io.sluice.failure.OperationFailedException;
import io.sluice.recurrent.NativeThreads;
import io.sluice.scoring.bundle.ModelBundle;
import io.sluice.scoring.bundle.ModelRegistry;
import io.sluice.scoring.bundle.StreamPredictor;
import io.sluice.scoring.device.TaskDevice;
import io.sluice.sequences.text.encoding.TextContract;
import io.sluice.sequences.text.encoding.TextEncoder;
import io.sluice.sequences.text.encoding.Vocabulary;
import java.util.ArrayList;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The {@code generate} job: continues a prompt, token by token, with a language model.
 *
 * <p>The model begins as {@code score} lets it begin: from a state of zeros and, where lines have
 * an end of their own, behind such an end.
 */
public final class TextGenerator {
  private static final Logger LOG = LoggerFactory.getLogger(TextGenerator.class);

  private final ModelBundle bundle;
  private final GenerateSettings settings;
  private final TextContract contract;
  private final Vocabulary vocabulary;

  private TextGenerator(ModelBundle bundle, GenerateSettings settings) {
    this.bundle = bundle;
    this.settings = settings;
    this.contract = bundle.textContract();
    this.vocabulary = bundle.vocabulary();
  }

  /**
   * Continues a prompt.
   *
   * @throws InvalidInputException if the bundle is missing, broken or no language model
   * @throws InvalidConfigException if the prompt gives the model nothing to begin with
   */
  public static GenerateReport run(GenerateSettings settings, Configuration hadoop) {
    String uri =
        ModelRegistry.resolve(settings.bundle(), settings.registry(), settings.name(), hadoop);
    ModelBundle bundle = ModelBundle.open(uri, hadoop);
    bundle.spec().requireOn(settings.device());
    // one sequence, a step at a time: more threads would wait for each other
    NativeThreads.set(1);
    try (TaskDevice own = TaskDevice.of(settings.device());
        StreamPredictor predictor = bundle.newStreamPredictor(1).on(own.device());
        TextEncoder encoder = bundle.newTextEncoder()) {
      own.device().complaint().ifPresent(complaint -> LOG.warn("{}", complaint));
      return new TextGenerator(bundle, settings)
          .generate(predictor, encoder, own.device().toString());
    }
  }

  private GenerateReport generate(StreamPredictor predictor, TextEncoder encoder, String device) {
    List<String> prompt = promptTokens(encoder);
    List<String> unknown = prompt.stream().filter(t -> !vocabulary.has(t)).distinct().toList();
    if (!unknown.isEmpty()) {
      LOG.warn(
          "{} of {} tokens of generate.prompt are unknown to the model, which reads {} in their place: {}",
          prompt.stream().filter(t -> !vocabulary.has(t)).count(),
          prompt.size(),
          vocabulary.special().unknown(),
          unknown);
    }
    var sampler = new TokenSampler(settings.temperature(), settings.topK(), settings.seed());
    var tokens = new ArrayList<String>();
    double logProbability = 0;
    int[] ids = startIds(prompt);
    long start = System.nanoTime();
    while (tokens.size() < settings.tokens()) {
      float[] p = predictor.next(ids, ids.length);
      int next = sampler.draw(requireFinite(p));
      logProbability += Math.log(p[next]);
      tokens.add(vocabulary.token(next));
      ids = new int[] {next};
    }
    double seconds = (System.nanoTime() - start) / 1e9;
    String text = encoder.text(tokens);
    LOG.info("{} continues with: {}", settings.prompt().orElse("A line"), text);
    return new GenerateReport(
        text,
        settings.prompt().orElse(null),
        unknown,
        prompt.size(),
        tokens.size(),
        Math.exp(-logProbability / tokens.size()),
        bundle.manifest().name(),
        bundle.manifest().version(),
        bundle.hash(),
        settings.temperature(),
        settings.topK(),
        settings.seed(),
        device,
        tokens.size() / seconds);
  }

  /** Tokens of the prompt, whose last line has not ended unless a line break says so. */
  private List<String> promptTokens(TextEncoder encoder) {
    String prompt = settings.prompt().orElse("");
    List<String> tokens = encoder.tokens(prompt);
    String lineEnd = vocabulary.special().lineEnd();
    int last = tokens.size() - 1;
    boolean goesOn = lineEnd != null && last >= 0 && !prompt.endsWith("\n");
    return goesOn ? tokens.subList(0, last) : tokens;
  }

  private int[] startIds(List<String> prompt) {
    var ids = new ArrayList<Integer>();
    if (contract.lineEndId() != null) {
      ids.add(contract.lineEndId());
    }
    prompt.forEach(token -> ids.add(vocabulary.id(token)));
    if (ids.isEmpty()) {
      throw new InvalidConfigException(
          "for " + bundle.uri(),
          List.of(
              "generate.prompt: must have a token for a model whose lines have no end of their own (text.line-end), but is "
                  + settings.prompt().map("\"%s\""::formatted).orElse("null")));
    }
    return ids.stream().mapToInt(Integer::intValue).toArray();
  }

  private float[] requireFinite(float[] p) {
    for (float value : p) {
      if (!Float.isFinite(value)) {
        throw new OperationFailedException(
            "The model of %s predicts %s, and a probability must be finite. Its weights may have diverged: look at the metrics of the bundle."
                .formatted(bundle.uri(), value));
      }
    }
    return p;
  }
}
