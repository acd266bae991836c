// Draws one OpenAPI document with Swagger UI. It sends no request of the API: `firedrill try` does, on fresh data.
const asked = new URLSearchParams(location.search);
const of = asked.get("of") === "own" ? "own" : "served";
document.documentElement.classList.toggle("dark-mode", asked.get("theme") === "dark");
SwaggerUIBundle({
  url: of,
  dom_id: "#ui",
  docExpansion: "list",
  defaultModelsExpandDepth: 0,
  supportedSubmitMethods: [],
  validatorUrl: null,
});
