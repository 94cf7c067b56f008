import java.util.HashMap;
import java.util.Map;

/** Works until it is ended: maps, strings, and a call of its own. */
public class Burn {
  static int words(String text) {
    Map<String, Integer> counts = new HashMap<>();
    for (String word : text.split(" ")) counts.merge(word, 1, Integer::sum);
    return counts.size();
  }

  public static void main(String[] arguments) {
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < 2000; i++) text.append("word").append(i % 97).append(' ');
    long sum = 0;
    while (sum >= 0) sum += words(text.toString());
  }
}
